package callback_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
)

type key struct{}

// TestStoresContext looks at the context that the engine is given as an engine may.
func TestStoresContext(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		r := request("stripe", accounts()["stripe"].sign(t, paid))
		gone, hangUp := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		hangUp()
		var kept context.Context
		h.engine.before = func(ctx context.Context, _ relay.Event) error {
			kept = ctx
			if until, ok := ctx.Deadline(); !ok || time.Until(until) != 4*time.Second {
				t.Errorf("deadline in %s, %v; want 4s", time.Until(until), ok)
			}
			if ctx.Err() != nil || ctx.Value(key{}) != "value" {
				t.Errorf("error %v, value %v", ctx.Err(), ctx.Value(key{}))
			}
			child, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			time.Sleep(4*time.Second - 1)
			if ctx.Err() != nil || child.Err() != nil {
				t.Errorf("before its time: %v, %v", ctx.Err(), child.Err())
			}
			<-child.Done()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) {
				t.Errorf("after its time: %v, %v", ctx.Err(), child.Err())
			}
			return ctx.Err()
		}
		if w := h.serve(r.WithContext(gone)); w.Code != http.StatusServiceUnavailable {
			t.Errorf("answered %d, want 503", w.Code)
		}
		if <-kept.Done(); !errors.Is(kept.Err(), context.DeadlineExceeded) {
			t.Errorf("afterwards: %v", kept.Err())
		}
	})
}

// An engine may ask for Err alone, and may keep the context for longer than its call.
func TestStoresContextWithoutWaiting(t *testing.T) {
	accounts()
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		var kept context.Context
		h.engine.before = func(ctx context.Context, _ relay.Event) error {
			kept = ctx
			time.Sleep(4 * time.Second)
			return ctx.Err()
		}
		a := accounts()["stripe"]
		answers(t, h.post("stripe", a.sign(t, paid)), a.Provider, context.DeadlineExceeded)
		patient := false
		h.engine.before = func(ctx context.Context, _ relay.Event) error {
			kept = ctx
			if patient {
				_ = ctx.Done()
			}
			return ctx.Err()
		}
		for range 2 {
			answers(t, h.post("stripe", a.sign(t, paid)), a.Provider, nil)
			for range 2 { // before and after its Done was asked for
				if !errors.Is(kept.Err(), context.Canceled) {
					t.Errorf("after the store: %v, want cancelled", kept.Err())
				}
				<-kept.Done()
			}
			patient = true
		}
	})
}
