package nats

import (
	"context"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// TestLostAcknowledgement stores an event by an Append that does not learn of it: when it tries again it finds its own
// message, says that it stored it, and so does no other Append.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	e, err := New(t.Context(), Options{URL: "nats://" + c.Hosts(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ev := relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid}
	first := appending{Engine: e, event: ev, call: 7}
	if err := first.try(t.Context()); err != nil || !first.stored {
		t.Fatalf("stored %v, error %v", first.stored, err)
	}
	for _, again := range []appending{{call: 7, tried: true}, {call: 7}, {call: 8}} {
		want := again.call == first.call
		again.Engine, again.event = e, ev
		if err := again.try(t.Context()); err != nil || again.stored != want || again.entry != first.entry {
			t.Errorf("call %d: stored %v at %v, error %v; want %v at %v", again.call, again.stored, again.entry, err, want, first.entry)
		}
	}
}

// TestWaitsForKnown makes the leader lag behind what was told: no call may answer from before that.
func TestWaitsForKnown(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	e, err := New(t.Context(), Options{URL: "nats://" + c.Hosts(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, err := e.current()
	if err != nil {
		t.Fatal(err)
	}
	add := func(payment, id string) {
		if _, _, err := e.Append(t.Context(), relay.Event{ID: id, Payment: payment, Status: relay.Paid}); err != nil {
			t.Error(err)
		}
	}
	add("order-1", "first")
	l.note("order-1", 2)
	l.note("order-2", 3)
	calls := []struct {
		what string
		told uint64
		call func(context.Context) (last uint64, err error)
	}{
		{"Read", 2, func(ctx context.Context) (uint64, error) { return newest(e.Read(ctx, "order-1")) }},
		{"Read", 3, func(ctx context.Context) (uint64, error) { return newest(e.Read(ctx, "order-2")) }},
		{"Scan", 3, func(ctx context.Context) (uint64, error) { return newest(e.Scan(ctx, relay.Position{}, 9)) }},
		{"Head", 3, func(ctx context.Context) (uint64, error) { p, err := e.Head(ctx); return p.Seq, err }},
	}
	for _, c := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if last, err := c.call(ctx); err == nil {
			t.Errorf("%s ends at %d, %d was told", c.what, last, c.told)
		}
		cancel()
	}
	if _, err := e.Read(t.Context(), "order-3"); err != nil {
		t.Errorf("Read of another payment: %v", err)
	}
	add("order-1", "second")
	add("order-2", "third")
	for _, c := range calls {
		if last, err := c.call(t.Context()); err != nil || last != c.told {
			t.Errorf("%s ends at %d when the leader has caught up, error %v; want %d", c.what, last, err, c.told)
		}
	}
}

// TestScanIsKnown holds that what a Scan has returned, of whichever replica, is waited for by reads.
func TestScanIsKnown(t *testing.T) {
	t.Parallel()
	c := natstest.Start(t, 1)
	var engines [2]*Engine
	for i := range engines {
		e, err := New(t.Context(), Options{URL: "nats://" + c.Hosts(0)})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		engines[i] = e
	}
	if _, _, err := engines[0].Append(t.Context(), relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid}); err != nil {
		t.Fatal(err)
	}
	if last, err := newest(engines[1].Scan(t.Context(), relay.Position{}, 9)); last != 1 || err != nil {
		t.Fatalf("Scan ends at %d, error %v", last, err)
	}
	l, _ := engines[1].current()
	if l.known.least("order-1") != 1 || l.high.Load() != 1 {
		t.Errorf("%d and %d are known, want 1", l.known.least("order-1"), l.high.Load())
	}
}

func newest(log []relay.Entry, err error) (uint64, error) {
	if len(log) == 0 {
		return 0, err
	}
	return log[len(log)-1].Position.Seq, err
}
