package enginetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// closeUnderCalls closes the engine amid calls. Each must return, with an error or not; none is begun afterwards.
func closeUnderCalls(t *testing.T, h Harness) {
	e := h.Open(t, plenty)
	fill(t, e, "before", 10)
	ctx, cancel := context.WithCancel(context.Background())
	var (
		wg    sync.WaitGroup
		ended atomic.Bool
		calls atomic.Int64
	)
	enough := make(chan struct{})
	loop := func(call func(i int) error) {
		wg.Go(func() {
			for i := 0; !ended.Load(); i++ {
				if call(i) != nil && !ended.Load() {
					t.Error("a call failed before Close")
					return
				}
				if calls.Add(1) == 200 {
					close(enough)
				}
			}
		})
	}
	for w := range 4 {
		loop(func(i int) error {
			_, _, err := e.Append(ctx, event(fmt.Sprint("order-", i%3), fmt.Sprintf("%d-%d", w, i)))
			return err
		})
	}
	loop(func(int) error { _, err := e.Read(ctx, "order-1"); return err })
	loop(func(int) error { _, err := e.Scan(ctx, relay.Position{}, 10); return err })
	loop(func(int) error { _, err := e.Head(ctx); return err })
	wg.Go(func() { _ = e.Tail(context.Background(), relay.Position{}, func(relay.Entry) {}) })
	<-enough
	ended.Store(true)
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	cancel() // of what waits for something that will not come; the tail must end by itself
	done := make(chan struct{})
	go func() { defer close(done); wg.Wait() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Errorf("calls have not returned %v after Close", patience)
	}
}
