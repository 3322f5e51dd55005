package nats_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

var event = relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid}

// opened opens an engine that the test closes.
func opened(t *testing.T, o nats.Options) *nats.Engine {
	t.Helper()
	e, err := nats.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// TestStartAtOnce lets several nodes make the stream: all must have the same one.
func TestStartAtOnce(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	for round := range 5 {
		epochs := make(chan string, 8)
		var wg sync.WaitGroup
		for range cap(epochs) {
			wg.Go(func() {
				e, err := nats.New(t.Context(), nats.Options{URL: fmt.Sprintf("nats://%s?stream=once-%d", c.Hosts(0), round)})
				if err != nil {
					t.Error(err)
					return
				}
				defer e.Close()
				p, err := e.Head(t.Context())
				if err != nil {
					t.Error(err)
				}
				epochs <- p.Epoch
			})
		}
		wg.Wait()
		close(epochs)
		first := <-epochs
		for epoch := range epochs {
			if epoch != first {
				t.Errorf("nodes have the epochs %q and %q", first, epoch)
			}
		}
	}
}

// TestOutage takes the only server away: appends fail within their context and are not sent later, the head fails at
// once, the tail goes on when the server is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	lines := make(lines, 100)
	e := opened(t, nats.Options{URL: "nats://" + c.Hosts(0), Log: slog.New(slog.NewTextHandler(lines, nil))})
	told := make(chan relay.Entry, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var tail sync.WaitGroup
	defer tail.Wait()
	defer cancel()
	tail.Go(func() {
		if err := e.Tail(ctx, relay.Position{}, func(en relay.Entry) { told <- en }); !errors.Is(err, context.Canceled) {
			t.Errorf("Tail: %v", err)
		}
	})
	first, _, err := e.Append(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if en := <-told; en != first {
		t.Errorf("Tail delivered %v, want %v", en, first)
	}

	c.Stop(0)
	lines.wait(t, "connection lost")
	lost := event
	lost.ID = "lost"
	short, end := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer end()
	if _, _, err := e.Append(short, lost); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not connected to any of") {
		t.Errorf("Append without a server: %v", err)
	}
	if _, err := e.Read(short, event.Payment); err == nil {
		t.Error("Read without a server has no error")
	}
	if _, err := e.Head(t.Context()); err == nil {
		t.Error("Head without a server has no error")
	}

	c.Start(0)
	lines.wait(t, "connected again")
	next := event
	next.ID = "next"
	second, stored, err := e.Append(t.Context(), next)
	if err != nil || !stored || second.Position.Seq != 2 {
		t.Errorf("Append after the outage: %v, stored %v, error %v; want the second entry", second.Position, stored, err)
	}
	if en := <-told; en != second {
		t.Errorf("Tail delivered %v after the outage, want %v", en, second)
	}
}

// TestDeleted deletes the stream under an engine, and makes it anew by another one.
func TestDeleted(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	js := admin(t, "nats://"+c.Hosts(0))
	o := nats.Options{URL: "nats://" + c.Hosts(0), Log: slog.New(slog.DiscardHandler)}
	e := opened(t, o)
	first, _, err := e.Append(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.Tail(context.Background(), first.Position, func(relay.Entry) {}) }()

	if err := js.DeleteStream(t.Context(), nats.DefaultStream); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "somebody deleted it") {
		t.Errorf("Tail of a deleted stream: %v", err)
	}
	for what, call := range calls(e) {
		if err := call(t.Context()); err == nil || !strings.Contains(err.Error(), "somebody deleted it") {
			t.Errorf("%s of a deleted stream: %v", what, err)
		}
	}

	other := opened(t, o)
	p, err := e.Head(t.Context())
	if err != nil || p.Epoch == first.Position.Epoch || p.Seq != 0 {
		t.Errorf("Head of the stream made anew: %v, error %v; the old epoch is %s", p, err, first.Position.Epoch)
	}
	again, stored, err := e.Append(t.Context(), event)
	if err != nil || !stored || again.Position.Epoch != p.Epoch || again.Position.Seq != 1 {
		t.Errorf("Append to the stream made anew: %v, stored %v, error %v", again.Position, stored, err)
	}
	if got, err := other.Read(t.Context(), event.Payment); err != nil || len(got) != 1 || got[0] != again {
		t.Errorf("Read by the other node: %v, error %v", got, err)
	}
	if err := e.Tail(t.Context(), first.Position, func(relay.Entry) {}); err == nil || !strings.Contains(err.Error(), "another stream") {
		t.Errorf("Tail behind a position of the deleted stream: %v", err)
	}
}

// calls are all calls of an engine that ask the servers, but Tail.
func calls(e relay.Engine) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error { _, _, err := e.Append(ctx, event); return err },
		"Read":   func(ctx context.Context) error { _, err := e.Read(ctx, "order-1"); return err },
		"Head":   func(ctx context.Context) error { _, err := e.Head(ctx); return err },
		"Scan":   func(ctx context.Context) error { _, err := e.Scan(ctx, relay.Position{}, 1); return err },
	}
}

// TestCloseLeavesNothing closes an engine with its server there and with it gone.
func TestCloseLeavesNothing(t *testing.T) {
	for _, gone := range []bool{false, true} {
		c := natstest.Start(t, 1)
		before := goleak.IgnoreCurrent()
		e, err := nats.New(t.Context(), nats.Options{URL: "nats://" + c.Hosts(0), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Tail(ctx, relay.Position{}, func(relay.Entry) {}) }()
		if _, _, err := e.Append(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		if gone {
			c.Stop(0)
		}
		cancel()
		<-ended
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		c.Stop(0)
		goleak.VerifyNone(t, before)
	}
}
