package relay_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

var errTorn = errors.New("torn")

// torn is a memory engine whose Tail and Head can be made to fail.
type torn struct {
	*memory.Engine
	tear  chan struct{} // ends the running Tail
	down  atomic.Bool   // Head fails, and Tail at once
	tails atomic.Int32
}

func newTorn() *torn {
	return &torn{Engine: memory.New(memory.Options{}), tear: make(chan struct{})}
}

// Read waits before it reads if the context says for what.
func (e *torn) Read(ctx context.Context, payment string) ([]relay.Entry, error) {
	if gate, ok := ctx.Value(gateKey{}).(chan struct{}); ok {
		<-gate
	}
	return e.Engine.Read(ctx, payment)
}

type gateKey struct{}

func (e *torn) Head(ctx context.Context) (relay.Position, error) {
	if e.down.Load() && ctx.Value(actorKey{}) == nil {
		return relay.Position{}, errTorn
	}
	return e.Engine.Head(ctx)
}

func (e *torn) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	e.tails.Add(1)
	if e.down.Load() {
		return errTorn
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	torn := make(chan struct{})
	go func() {
		select {
		case <-e.tear:
			close(torn)
			cancel()
		case <-inner.Done():
		}
	}()
	err := e.Engine.Tail(inner, after, deliver)
	select {
	case <-torn:
		return errTorn
	default:
		return err
	}
}

func TestTailBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTorn()
		r, stop := start(t, e, relay.Options{})
		defer stop()
		publish(t, r, pending("a", 1))
		before := []*recorder{newRecorder(t), newRecorder(t)}
		for _, w := range before {
			subscribe(t, r, payment, relay.Position{}, w)
		}
		synctest.Wait()
		changed := r.Changed()

		e.down.Store(true)
		e.tear <- struct{}{}
		synctest.Wait()
		for i, w := range before {
			if states, _, end := w.seen(); !errors.Is(end, errTorn) || len(states) != 1 {
				t.Errorf("the end of waiter %d is %v", i, end)
			}
		}
		if r.Waiters() != 0 {
			t.Errorf("%d waiters are left", r.Waiters())
		}

		// Who comes while nobody follows the log reads it, and is sent away when it is followed again.
		publish(t, r, pending("b", 2))
		during := newRecorder(t)
		ctx := context.WithValue(context.Background(), actorKey{}, newActor("reader"))
		if _, err := r.Subscribe(ctx, relay.Request{Payment: payment, Until: time.Now().Add(time.Hour)}, during); err != nil {
			t.Fatal(err)
		}
		publish(t, r, pending("c", 3))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, _, end := during.seen(); end != nil {
			t.Errorf("the end of who came during the break is %v before the engine is back", end)
		}
		e.down.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		_, had, end := during.seen()
		if !errors.Is(end, errTorn) || !slices.Equal(idsOf(had), []string{"a", "b"}) {
			t.Errorf("who came during the break is told %v, end %v", idsOf(had), end)
		}
		select {
		case <-changed:
		default:
			t.Error("who waits for the feed does not learn what was appended during the break")
		}

		again := newRecorder(t)
		subscribe(t, r, payment, had[len(had)-1].Position, again)
		publish(t, r, paid("d", 4, "1"))
		synctest.Wait()
		if _, told, end := again.seen(); !slices.Equal(idsOf(told), []string{"c", "d"}) || end != relay.ErrDone {
			t.Errorf("afterwards told %v, end %v", idsOf(told), end)
		}
	})
}

// TestTailBreaksDuringSubscribe holds that one who is still subscribing when the tail breaks does not keep a fold alive
// that misses what was appended meanwhile.
func TestTailBreaksDuringSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTorn()
		r, stop := start(t, e, relay.Options{})
		defer stop()
		gate := make(chan struct{})
		slow, before := newRecorder(t), newRecorder(t)
		go func() {
			ctx := context.WithValue(context.Background(), gateKey{}, gate)
			if _, err := r.Subscribe(ctx, relay.Request{Payment: payment, Until: time.Now().Add(time.Hour)}, slow); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		subscribe(t, r, payment, relay.Position{}, before)

		e.down.Store(true)
		e.tear <- struct{}{}
		synctest.Wait()
		if _, _, err := register(t, r, "", "5"); err != nil { // nobody's tail brings this
			t.Fatal(err)
		}
		e.down.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()

		after := newRecorder(t)
		subscribe(t, r, payment, relay.Position{}, after)
		publish(t, r, paid("wrong", 1, "6"))
		close(gate)
		synctest.Wait()
		for _, w := range []*recorder{slow, before} {
			if _, told, end := w.seen(); !errors.Is(end, errTorn) || len(told) != 0 {
				t.Errorf("told %v, end %v", idsOf(told), end)
			}
		}
		if states, told, end := after.seen(); len(told) != 0 || end != nil || !states[len(states)-1].Conflict {
			t.Errorf("who came afterwards is told %v, end %v: the registration is not known", idsOf(told), end)
		}
	})
}

// TestTailBreaksAtOnce holds that an engine that is down for a minute is not asked all the time.
func TestTailBreaksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTorn()
		r, stop := start(t, tailless{e}, relay.Options{})
		defer stop()
		time.Sleep(time.Minute)
		if n := e.tails.Load(); n < 2 || n > 62 {
			t.Errorf("Tail is called %d times a minute", n)
		}
		w := newRecorder(t)
		subscribe(t, r, payment, relay.Position{}, w)
		time.Sleep(2 * time.Second)
		if _, _, end := w.seen(); !errors.Is(end, errTorn) {
			t.Errorf("a waiter whom nobody follows the log for: end %v", end)
		}
	})
}

// tailless has a Tail that fails at once.
type tailless struct{ *torn }

func (e tailless) Tail(context.Context, relay.Position, func(relay.Entry)) error {
	e.tails.Add(1)
	return errTorn
}

// TestStopWhileDown holds that Stop does not wait for an engine to come back.
func TestStopWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTorn()
		_, stop := start(t, e, relay.Options{})
		synctest.Wait()
		e.down.Store(true)
		e.tear <- struct{}{}
		synctest.Wait()
		began := time.Now()
		stop()
		if d := time.Since(began); d != 0 {
			t.Errorf("Stop took %v", d)
		}
	})
}

func TestStartFails(t *testing.T) {
	e := newTorn()
	e.down.Store(true)
	defer e.Close()
	r := relay.New(e, nil, relay.Options{})
	if err := r.Start(context.Background()); !errors.Is(err, errTorn) {
		t.Errorf("Start: %v", err)
	}
	if err := r.Ready(context.Background()); !errors.Is(err, errTorn) {
		t.Errorf("Ready: %v", err)
	}
	if err := r.Stop(context.Background()); err != nil {
		t.Errorf("Stop: %v", err)
	}
}
