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

// reopenUnderAppends ends the engine amid appends: what was acknowledged must be there. Of what was under way either
// may be.
func reopenUnderAppends(t *testing.T, h Harness) {
	e := h.Open(t, plenty)
	ctx, cancel := context.WithCancel(context.Background())
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		acked  = make(map[uint64]relay.Entry)
		enough = make(chan struct{})
	)
	const workers, before = 8, 100
	for w := range workers {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				en, _, err := e.Append(ctx, event(fmt.Sprint("order-", i%3), fmt.Sprintf("%d-%d", w, i)))
				if err != nil {
					return
				}
				mu.Lock()
				acked[en.Position.Seq] = en
				if len(acked) == before {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Fatalf("%d appends are not done after %v", before, patience)
	}
	next := closed(t, h.Reopen(t, e))
	cancel()
	wg.Wait()
	log := wholeLog(t, next)
	for i, en := range log {
		if en.Position.Seq != uint64(i+1) {
			t.Fatalf("entry %d has the position %v", i, en.Position)
		}
		if want, ok := acked[en.Position.Seq]; ok {
			same(t, "Scan", []relay.Entry{en}, []relay.Entry{want})
			delete(acked, en.Position.Seq)
		}
	}
	if len(acked) > 0 {
		t.Errorf("%d acknowledged entries are gone", len(acked))
	}
}
