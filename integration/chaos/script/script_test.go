package script

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func book(t *testing.T, run string) *Book {
	t.Helper()
	b, err := NewBook(run, 7, time.Unix(1_795_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFind leads from the id of each event back to its callback, and from no other id anywhere.
func TestFind(t *testing.T) {
	b, other := book(t, "abc123"), book(t, "abc124")
	sources := make(map[string]int)
	for n := range uint64(500) {
		p := b.Payment(n)
		sources[p.Source]++
		for i := range p.Events {
			id := p.Source + ":" + b.EventID(n, i)
			got, event, ok := b.Find(id)
			if !ok || got.Number != n || got.ID != p.ID || event != i {
				t.Fatalf("%s leads to %s, event %d, %v; want %s, %d", id, got.ID, event, ok, p.ID, i)
			}
			swapped := ERP
			if p.Source == ERP {
				swapped = Card
			}
			for _, bad := range []string{
				swapped + ":" + b.EventID(n, i), b.EventID(n, i), id + "0", p.Source + ":x" + b.EventID(n, i),
				p.Source + ":" + b.EventID(n, len(p.Events)), p.Source + ":" + other.EventID(n, i), strings.ToUpper(id), "",
			} {
				if q, e, ok := b.Find(bad); ok {
					t.Fatalf("%q leads to %s, event %d", bad, q.ID, e)
				}
			}
		}
	}
	if len(sources) != 2 {
		t.Errorf("sources %v, want both", sources)
	}
}

// TestPlots holds what the rest relies on.
func TestPlots(t *testing.T) {
	for _, p := range plots {
		if len(p.events) > MaxEvents || p.events[0].Round != 0 {
			t.Errorf("%v: too many events, or no first round", p.events)
		}
		ages := make(map[int]bool)
		final := false
		for i, e := range p.events {
			if ages[e.Age] {
				t.Errorf("%v: two events of one time", p.events)
			}
			if i > 0 && e.Round < p.events[i-1].Round {
				t.Errorf("%v: rounds go back", p.events)
			}
			if p.card && e.Status == relay.Closed {
				t.Errorf("%v: Stripe's closed decides nothing", p.events)
			}
			ages[e.Age], final = true, final || e.Final()
		}
		if !final {
			t.Errorf("%v: no outcome, so that a wait would not end", p.events)
		}
		contested := slices.ContainsFunc(p.events[1:], func(e Event) bool { return e.Round == p.events[0].Round })
		if contested != p.contested {
			t.Errorf("%v: contested is %v", p.events, p.contested)
		}
	}
}

func TestNewBook(t *testing.T) {
	if _, err := NewBook("short", 1, time.Now()); err == nil {
		t.Error("a run's name of 5 characters is taken")
	}
}
