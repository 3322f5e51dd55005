package enginetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func idOnce(t *testing.T, h Harness) {
	e := h.open(t)
	// More of one payment than an engine may search one by one.
	first := make([]relay.Entry, 100)
	for i := range first {
		first[i] = put(t, e, event("order-1", fmt.Sprint(i)))
	}
	for i, want := range first {
		again := event("order-1", fmt.Sprint(i))
		again.Status, again.Amount, again.Time = relay.Paid, "1.00", time.Time{}
		en, stored, err := e.Append(context.Background(), again)
		if err != nil || stored {
			t.Fatalf("second Append of one id: stored %v, error %v", stored, err)
		}
		same(t, "second Append of one id", []relay.Entry{en}, []relay.Entry{want})
	}
	same(t, "Read", read(t, e, "order-1"), first)
	if p, want := head(t, e), first[len(first)-1].Position; p != want {
		t.Errorf("Head = %v after duplicates, want %v", p, want)
	}
	if next := put(t, e, event("order-1", "next")); next.Position.Seq != uint64(len(first)+1) {
		t.Errorf("a duplicate took a position: the next is %v", next.Position)
	}
}

func idOnceConcurrently(t *testing.T, h Harness) {
	e := h.open(t)
	for round := range 10 {
		appendAtOnce(t, fmt.Sprint("round-", round), e, e, e, e, e, e, e, e, e, e, e, e, e, e, e, e)
	}
	if n := len(wholeLog(t, e)); n != 10 {
		t.Errorf("the log has %d entries, want 10", n)
	}
}

// appendAtOnce appends one id by all engines at the same time: one must store it, all must return that entry, and
// find it in what they read afterwards.
func appendAtOnce(t *testing.T, id string, engines ...relay.Engine) {
	t.Helper()
	entries := make([]relay.Entry, len(engines))
	stored := make([]bool, len(engines))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, e := range engines {
		wg.Go(func() {
			<-start
			var err error
			if entries[i], stored[i], err = e.Append(context.Background(), event("order-1", id)); err != nil {
				t.Errorf("Append: %v", err)
				return
			}
			got, err := e.Read(context.Background(), "order-1")
			if err != nil || len(got) == 0 || got[len(got)-1].Position.Compare(entries[i].Position) < 0 {
				t.Errorf("Read after Append at %v: %v, error %v", entries[i].Position, places(got), err)
			}
		})
	}
	close(start)
	wg.Wait()
	n := 0
	for i, en := range entries {
		if stored[i] {
			n++
		}
		if en.Position != entries[0].Position || en.Event.ID != id {
			t.Errorf("one id at %v and %v", entries[0].Position, en.Position)
		}
	}
	if n != 1 {
		t.Errorf("%d appends of one id say that they stored it, want 1", n)
	}
}

func idOfTwoPayments(t *testing.T, h Harness) {
	e := h.open(t)
	// The second pair would be one if payment and id were only put together.
	for _, p := range [][2]string{{"order-1", "e"}, {"order-2", "e"}, {"a", "b:c"}, {"a:b", "c"}, {"a", "b.c"}, {"a.b", "c"}, {"a", "b/c"}, {"a/b", "c"}} {
		en := put(t, e, event(p[0], p[1]))
		if en.Event.Payment != p[0] {
			t.Errorf("Append to %q returned an entry of %q", p[0], en.Event.Payment)
		}
	}
}

func timeOfAppend(t *testing.T, h Harness) {
	e := h.open(t)
	before := time.Now()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				ev := event(fmt.Sprintf("order-%d", i%3), fmt.Sprintf("%d-%d", w, i))
				if ev.Time = (time.Time{}); i%5 == 0 {
					ev.Time = before.Add(-time.Hour) // one of the provider's must not disturb the others
				}
				if _, _, err := e.Append(context.Background(), ev); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	const skew = time.Minute           // of the clock of whoever keeps the log
	last := make(map[string]time.Time) // by payment
	for _, en := range wholeLog(t, e) {
		at, payment := en.Event.Time, en.Event.Payment
		if at.Equal(before.Add(-time.Hour)) {
			continue
		}
		if !at.After(last[payment]) || at.Before(before.Add(-skew)) || at.After(time.Now().Add(skew)) {
			t.Fatalf("entry %v has the time %v, the one before it of its payment %v", en.Position, at, last[payment])
		}
		last[payment] = at
	}

	ev := event("order-9", "x")
	ev.Time = time.Time{}
	en := put(t, e, ev)
	same(t, "Read", read(t, e, "order-9"), []relay.Entry{en})
	again, _, err := e.Append(context.Background(), ev)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "second Append without a time", []relay.Entry{again}, []relay.Entry{en})
}

func timeOfProvider(t *testing.T, h Harness) {
	e := h.open(t)
	shanghai := time.FixedZone("", 8*60*60)
	for i, at := range []time.Time{
		time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 22, 8, 0, 0, 1, shanghai), // before the one above
		time.Date(2026, 11, 22, 8, 0, 0, 999999999, time.UTC),
		time.Date(1969, 7, 20, 20, 17, 40, 5, time.UTC),
		time.Date(2199, 12, 31, 23, 59, 59, 123456789, time.UTC),
		time.Now(),
	} {
		ev := event("order-1", fmt.Sprint(i))
		ev.Time = at
		if en := put(t, e, ev); !en.Event.Time.Equal(at) {
			t.Errorf("Append made %v of the time %v", en.Event.Time, at)
		}
		got := read(t, e, "order-1")
		if en := got[len(got)-1]; !en.Event.Time.Equal(at) {
			t.Errorf("Read made %v of the time %v", en.Event.Time, at)
		}
	}
}

func appendCancelled(t *testing.T, h Harness) {
	e := h.open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, stored, err := e.Append(ctx, event("order-1", "e")); err == nil || stored {
		t.Errorf("Append after the end of its context: stored %v, error %v; want an error", stored, err)
	}
	// Whether it was stored is open; appending again is safe.
	en, _, err := e.Append(context.Background(), event("order-1", "e"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Read", read(t, e, "order-1"), []relay.Entry{en})
}
