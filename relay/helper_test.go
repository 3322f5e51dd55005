package relay_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start returns a running relay over engine and what stops both. Stop must be called within the bubble that start was
// called in, if any.
func start(t testing.TB, engine relay.Engine, o relay.Options) (r *relay.Relay, stop func()) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := wheel.New()
	r = relay.New(engine, w, o)
	if err := r.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r, func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		w.Stop()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
		if n := r.Waiters(); n != 0 {
			t.Errorf("%d waiters are counted after Stop", n)
		}
	}
}

// newRelay returns a relay over an empty memory engine, stopped when the test is over.
func newRelay(t testing.TB, o relay.Options) *relay.Relay {
	t.Helper()
	r, stop := start(t, memory.New(memory.Options{}), o)
	t.Cleanup(stop)
	return r
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// at returns a time some minutes after noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func publish(t testing.TB, r *relay.Relay, e relay.Event) relay.Receipt {
	t.Helper()
	receipt, err := r.Publish(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// subscribe lets w wait for an hour.
func subscribe(t testing.TB, r *relay.Relay, payment string, after relay.Position, w relay.Waiter) *relay.Subscription {
	t.Helper()
	sub, err := r.Subscribe(context.Background(), relay.Request{Payment: payment, After: after, Until: time.Now().Add(time.Hour)}, w)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// tester is what testing.T and rapid.T have in common here.
type tester interface {
	Errorf(format string, args ...any)
	Error(args ...any)
}

// recorder is a Waiter that keeps what it is told and sees that it is told as Waiter promises.
type recorder struct {
	t     tester
	pause func() // called inside of every call, if set
	ended chan struct{}
	busy  atomic.Bool

	mu     sync.Mutex
	states []relay.State
	told   []relay.Told
	end    error
}

func newRecorder(t tester) *recorder { return &recorder{t: t, ended: make(chan struct{})} }

func (w *recorder) call(name string, f func()) {
	if !w.busy.CompareAndSwap(false, true) {
		w.t.Errorf("%s is called while another call runs", name)
	}
	if w.pause != nil {
		w.pause()
	}
	w.mu.Lock()
	if w.end != nil {
		w.t.Errorf("%s is called after End(%v)", name, w.end)
	}
	if len(w.states) == 0 && name != "State" {
		w.t.Errorf("%s is called before State", name)
	}
	f()
	w.mu.Unlock()
	w.busy.Store(false)
}

func (w *recorder) State(s *relay.State) {
	w.call("State", func() { w.states = append(w.states, *s) })
}

func (w *recorder) Deliver(told *relay.Told) {
	w.call("Deliver", func() {
		if n := len(w.told); n != 0 && w.told[n-1].Position.Compare(told.Position) >= 0 {
			w.t.Errorf("Deliver of %v after %v", told.Position, w.told[n-1].Position)
		}
		w.told = append(w.told, *told)
	})
}

func (w *recorder) End(err error) {
	w.call("End", func() {
		if err == nil {
			w.t.Error("End without a reason")
		}
		w.end = err
		close(w.ended)
	})
}

// seen returns what w was told so far.
func (w *recorder) seen() (states []relay.State, told []relay.Told, end error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states, w.told, w.end
}

// ids returns the ids of the events w was told so far.
func (w *recorder) ids() []string {
	_, told, _ := w.seen()
	return idsOf(told)
}

func idsOf(told []relay.Told) []string {
	var ids []string
	for _, t := range told {
		ids = append(ids, t.Event.ID)
	}
	return ids
}

// allTold returns what a payment's log tells altogether.
func allTold(t testing.TB, r *relay.Relay, payment string) []relay.Told {
	t.Helper()
	_, records, err := r.History(context.Background(), payment)
	if err != nil {
		t.Fatal(err)
	}
	return toldOf(records)
}

func toldOf(records []relay.Record) []relay.Told {
	var told []relay.Told
	for _, rec := range records {
		told = append(told, rec.Told...)
	}
	return told
}
