package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func tailFromBeginning(t *testing.T, h Harness) {
	e := h.open(t)
	log := fill(t, e, "before", 600)
	f := follow(t, e, relay.Position{})
	same(t, "Tail of what is there", f.wait(t, len(log)), log)
	log = append(log, fill(t, e, "after", 10)...)
	same(t, "Tail of what came", f.wait(t, len(log)), log)

	empty := h.open(t)
	f = follow(t, empty, relay.Position{})
	log = fill(t, empty, "first", 3)
	same(t, "Tail of a log that was empty", f.wait(t, 3), log)
}

func tailFromHead(t *testing.T, h Harness) {
	e := h.open(t)
	f := follow(t, e, head(t, e)) // an empty log has a head as well
	log := fill(t, e, "e", 5)
	same(t, "Tail from the head of an empty log", f.wait(t, 5), log)
	f = follow(t, e, head(t, e))
	more := fill(t, e, "more", 5)
	same(t, "Tail from the head", f.wait(t, 5), more)
}

func tailFromMiddle(t *testing.T, h Harness) {
	e := h.open(t)
	log := fill(t, e, "e", 10)
	for i := range log {
		same(t, "Tail", follow(t, e, log[i].Position).wait(t, len(log)-i-1), log[i+1:])
	}
}

func tailThenRead(t *testing.T, h Harness) {
	e := h.open(t)
	ctx, cancel := context.WithCancel(context.Background())
	const n = 200
	delivered := make(chan relay.Entry)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := e.Tail(ctx, relay.Position{}, func(en relay.Entry) {
			select {
			case delivered <- en: // taken at once by the reader below
			case <-ctx.Done():
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Tail: %v", err)
		}
	})
	wg.Go(func() {
		for i := range n {
			if _, _, err := e.Append(context.Background(), event("order-1", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		}
	})
	defer wg.Wait()
	defer cancel()
	for i := range n {
		select {
		case en := <-delivered:
			got := read(t, e, "order-1")
			if len(got) <= i || got[i].Position != en.Position {
				t.Fatalf("Tail delivered %v, Read has %d entries", en.Position, len(got))
			}
			if p := head(t, e); p.Compare(en.Position) < 0 {
				t.Fatalf("Tail delivered %v, Head is %v", en.Position, p)
			}
		case <-time.After(patience):
			t.Fatalf("Tail has delivered %d of %d", i, n)
		}
	}
}

// tailInTurn appends in short bursts, whose last one comes while the tail is still busy with the first: it must look
// again before it waits.
func tailInTurn(t *testing.T, h Harness) {
	e := h.open(t)
	f := follow(t, e, head(t, e))
	var log []relay.Entry
	for i := range 200 {
		for range 1 + i%5 {
			log = append(log, put(t, e, event("order-1", fmt.Sprint(len(log)))))
		}
		f.wait(t, len(log))
	}
	same(t, "Tail", f.wait(t, len(log)), log)
}

func tailsUnderAppends(t *testing.T, h Harness) {
	e := h.open(t)
	const workers, each = 4, 150
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if _, _, err := e.Append(context.Background(), event(fmt.Sprint("order-", i%5), fmt.Sprintf("%d-%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	type from struct {
		*follower
		after relay.Position
	}
	var tails []from
	for range 12 {
		after := head(t, e)
		tails = append(tails, from{follow(t, e, after), after})
		tails[0].wait(t, int(after.Seq-tails[0].after.Seq)) // spreads the beginnings over the appends
	}
	wg.Wait()
	log := wholeLog(t, e)
	for _, f := range tails {
		want := log[f.after.Seq:]
		same(t, "Tail behind "+f.after.String(), f.wait(t, len(want)), want)
	}
}

func tailSlow(t *testing.T, h Harness) {
	e := h.open(t)
	ctx, cancel := context.WithCancel(context.Background())
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = e.Tail(ctx, relay.Position{}, func(relay.Entry) {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-leave
		})
	})
	defer wg.Wait()
	defer close(leave)
	defer cancel()
	first := put(t, e, event("order-1", "first"))
	<-entered
	log := append([]relay.Entry{first}, fill(t, e, "e", 50)...)
	same(t, "the other Tail", follow(t, e, relay.Position{}).wait(t, len(log)), log)
	same(t, "Scan", wholeLog(t, e), log)
}

func tailEnds(t *testing.T, h Harness) {
	e := h.open(t)
	for _, idle := range []bool{true, false} {
		if !idle {
			fill(t, e, "e", 20)
		}
		f := follow(t, e, relay.Position{})
		if !idle {
			f.wait(t, 20)
		}
		f.end(t)
		if !errors.Is(f.err, context.Canceled) {
			t.Errorf("Tail returned %v, want the context's error", f.err)
		}
		n := len(f.got)
		put(t, e, event("order-1", fmt.Sprint("after the end, ", idle)))
		if len(f.got) != n {
			t.Error("Tail delivered after it had returned")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := e.Tail(ctx, head(t, e), func(relay.Entry) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Tail returned %v, want the context's error", err)
	}
}
