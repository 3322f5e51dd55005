package nats

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// TestLostAcknowledgement stores an event by an Append that does not learn of it: when it tries again it finds its own
// message, says that it stored it, and so does no other Append.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	e, _, _ := opened(t)
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
	e, _, _ := opened(t)
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
	l.raise(3)
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
	if l.high.Load() != 1 {
		t.Errorf("%d is known, want 1", l.high.Load())
	}
}

// TestScanPassesOverLoss holds that what the servers have lost is logged and hides nothing behind it, and that what has
// expired is no loss.
func TestScanPassesOverLoss(t *testing.T) {
	t.Parallel()
	whole, _, _ := opened(t)
	defer whole.Close()
	e, lose, out := holed(t, whole)
	for i := range 12 {
		if _, _, err := e.Append(t.Context(), relay.Event{ID: fmt.Sprint(i), Payment: "order-1", Status: relay.Pending}); err != nil {
			t.Fatal(err)
		}
	}
	scanned := func(limit int) (seqs []uint64) {
		log, err := e.Scan(t.Context(), relay.Position{}, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, en := range log {
			seqs = append(seqs, en.Position.Seq)
		}
		return seqs
	}
	lose(1, 2)
	if got := scanned(2); !slices.Equal(got, []uint64{3, 4}) || out.Len() > 0 {
		t.Errorf("behind the beginning Scan has %d, and logs %q", got, out)
	}
	lose(5, 6, 7, 8, 12)
	for limit, want := range map[int][]uint64{1: {3}, 3: {3, 4, 9}, 9: {3, 4, 9, 10, 11}} {
		if got := scanned(limit); !slices.Equal(got, want) {
			t.Errorf("Scan of %d has %d, want %d", limit, got, want)
		}
	}
	if log, err := e.Scan(t.Context(), relay.Position{Epoch: e.watch.life.epoch, Seq: 4}, 1); len(log) != 1 || log[0].Position.Seq != 9 || err != nil {
		t.Errorf("Scan into the gap has %v, error %v", log, err)
	}
	if said := out.String(); !strings.Contains(said, "have lost entries") || !strings.Contains(said, "from=5 before=9") {
		t.Errorf("the log says %q", said)
	}
}

// TestReadFindsAllOrNothing takes an entry out that a later one points to. What lies before it is found, and an id there
// is not stored again.
func TestReadFindsAllOrNothing(t *testing.T) {
	t.Parallel()
	whole, _, _ := opened(t)
	defer whole.Close()
	e, lose, _ := holed(t, whole)
	for i := range 4 {
		if _, _, err := e.Append(t.Context(), relay.Event{ID: fmt.Sprint(i), Payment: "order-1", Status: relay.Pending}); err != nil {
			t.Fatal(err)
		}
	}
	lose(3)
	log, err := e.Read(t.Context(), "order-1")
	if err != nil || len(log) != 3 || log[0].Event.ID != "0" || log[1].Event.ID != "1" || log[2].Event.ID != "3" {
		t.Errorf("Read has %v, error %v", log, err)
	}
	e.watch.life.recent = recent{seed: e.watch.life.recent.seed} // another node, that has to read
	if en, stored, err := e.Append(t.Context(), relay.Event{ID: "1", Payment: "order-1", Status: relay.Pending}); err != nil || stored || en.Position.Seq != 2 {
		t.Errorf("Append of an id before the gap: %v, stored %v, error %v", en.Position, stored, err)
	}
}

// TestNobodyAnswersDirectly holds that a moment without a replica that answers is one to try again after.
func TestNobodyAnswersDirectly(t *testing.T) {
	t.Parallel()
	e, _, _ := opened(t)
	defer e.Close()
	config := e.place.config(e.watch.life.epoch, e.retention)
	config.AllowDirect = false
	if _, err := e.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.askAny(t.Context(), e.watch.life, question{Seq: 1, Batch: 1}); !passing(err) {
		t.Errorf("error %v counts as final", err)
	}
}

// holed returns an engine over another stream of the same server, one that messages can be taken out of, as a broken
// file would, and what it logs.
func holed(t *testing.T, e *Engine) (*Engine, func(seqs ...uint64), *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	h := &Engine{place: e.place, retention: e.retention, link: e.link, js: e.js, replies: e.replies, ctx: e.ctx}
	h.log = slog.New(slog.NewTextHandler(&out, nil))
	h.place.stream = "HOLED"
	config := h.place.config("holed", h.retention)
	config.DenyDelete = false
	s, err := h.js.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	h.setLife(h.place.life("holed"), nil).edited.Store(true) // which is known
	return h, func(seqs ...uint64) {
		for _, seq := range seqs {
			if err := s.DeleteMsg(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
		}
	}, &out
}

func newest(log []relay.Entry, err error) (uint64, error) {
	if len(log) == 0 {
		return 0, err
	}
	return log[len(log)-1].Position.Seq, err
}
