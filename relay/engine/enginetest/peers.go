package enginetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

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

// peersTailThenRead holds that what a node's tail delivered its Read has, whoever appended it and wherever it is kept.
func peersTailThenRead(t *testing.T, h Harness) {
	a := h.open(t)
	b := h.peer(t, a)
	f := follow(t, b, head(t, b))
	const n = 100
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for i := range n {
			if _, _, err := a.Append(context.Background(), event("order-1", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range n {
		told := f.wait(t, i+1)
		if got := read(t, b, "order-1"); len(got) < len(told) {
			t.Fatalf("Tail delivered %d entries, Read has %d", len(told), len(got))
		}
	}
}

// peersTime has two nodes in turn set the times of one payment's events.
func peersTime(t *testing.T, h Harness) {
	a := h.open(t)
	b := h.peer(t, a)
	var last time.Time
	for i := range 20 {
		ev := event("order-1", fmt.Sprint(i))
		ev.Time = time.Time{}
		en := put(t, []relay.Engine{a, b}[i%2], ev)
		if !en.Event.Time.After(last) {
			t.Fatalf("%v has the time %v, the one before it %v", en.Position, en.Event.Time, last)
		}
		last = en.Event.Time
	}
}
