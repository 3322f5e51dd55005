package enginetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func reopenKeeps(t *testing.T, h Harness) {
	e := h.Open(t, plenty)
	log := fill(t, e, "e", 300)
	before := head(t, e)
	e = closed(t, h.Reopen(t, e))
	if p := head(t, e); p != before {
		t.Fatalf("Head = %v after reopening, want %v", p, before)
	}
	same(t, "Scan", wholeLog(t, e), log)
	same(t, "Scan behind a cursor from before", scanned(t, e, log[100].Position, 1000), log[101:])
	same(t, "Tail behind a cursor from before", follow(t, e, log[100].Position).wait(t, 199), log[101:])
	var want []relay.Entry
	for _, en := range log {
		if en.Event.Payment == "order-3" {
			want = append(want, en)
		}
	}
	same(t, "Read", read(t, e, "order-3"), want)
}

func reopenKeepsIDs(t *testing.T, h Harness) {
	e := h.Open(t, plenty)
	log := fill(t, e, "e", 50)
	e = closed(t, h.Reopen(t, e))
	for _, want := range log {
		en, stored, err := e.Append(context.Background(), want.Event)
		if err != nil || stored {
			t.Fatalf("Append of a known id: stored %v, error %v", stored, err)
		}
		same(t, "Append of a known id", []relay.Entry{en}, []relay.Entry{want})
	}
}

func reopenGoesOn(t *testing.T, h Harness) {
	e := h.Open(t, plenty)
	last := relay.Entry{}
	for i := range 5 {
		for j := range 3 {
			ev := event("order-1", fmt.Sprintf("%d-%d", i, j))
			ev.Time = time.Time{}
			en := put(t, e, ev)
			if en.Position.Seq != last.Position.Seq+1 || en.Event.Time.Before(last.Event.Time) {
				t.Fatalf("%v at %v follows %v at %v", en.Position, en.Event.Time, last.Position, last.Event.Time)
			}
			last = en
		}
		e = h.Reopen(t, e)
	}
	closed(t, e)
	if got := read(t, e, "order-1"); len(got) != 15 {
		t.Errorf("Read has %d entries after five restarts, want 15", len(got))
	}
}

func peersRead(t *testing.T, h Harness) {
	a := h.open(t)
	b := h.peer(t, a)
	if head(t, a) != head(t, b) {
		t.Fatalf("Head = %v and %v", head(t, a), head(t, b))
	}
	var want []relay.Entry
	for i := range 50 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		want = append(want, put(t, from, event("order-1", fmt.Sprint(i))))
		same(t, "Read by the other node", read(t, to, "order-1"), want)
	}
	same(t, "Scan by one node", wholeLog(t, a), want)
	same(t, "Scan by the other", wholeLog(t, b), want)
}

func peersOnce(t *testing.T, h Harness) {
	a := h.open(t)
	b := h.peer(t, a)
	for round := range 10 {
		appendAtOnce(t, fmt.Sprint("round-", round), a, b, a, b, a, b, a, b)
	}
	if n := len(wholeLog(t, a)); n != 10 {
		t.Errorf("the log has %d entries, want 10", n)
	}
}

func peersTail(t *testing.T, h Harness) {
	a := h.open(t)
	b := h.peer(t, a)
	tails := []*follower{follow(t, a, head(t, a)), follow(t, b, head(t, b))}
	const each = 100
	var wg sync.WaitGroup
	for i, e := range []relay.Engine{a, b} {
		wg.Go(func() {
			for j := range each {
				if _, _, err := e.Append(context.Background(), event("order-1", fmt.Sprintf("%d-%d", i, j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	log := wholeLog(t, a)
	if len(log) != 2*each {
		t.Fatalf("the log has %d entries, want %d", len(log), 2*each)
	}
	for _, f := range tails {
		same(t, "Tail", f.wait(t, len(log)), log)
	}
}
