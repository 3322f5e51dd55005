package relay_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
)

// explore calls run once for every sequence of choices that its calls of pick make possible: pick(n) returns a number
// below n.
func explore(run func(pick func(n int) int)) (runs int) {
	var path, width []int
	for {
		depth := 0
		run(func(n int) int {
			if depth == len(path) {
				path, width = append(path, 0), append(width, n)
			}
			depth++
			return path[depth-1]
		})
		runs++
		for len(path) > 0 && path[len(path)-1] == width[len(path)-1]-1 {
			path, width = path[:len(path)-1], width[:len(width)-1]
		}
		if len(path) == 0 {
			return runs
		}
		path[len(path)-1]++
	}
}

// actor is a goroutine, or a place that several come by, that goes on step by step.
type actor struct {
	name    string
	gate    chan struct{}
	waiting atomic.Bool
	begun   bool
	after   *actor // whose first step comes before this one's, if there is one
}

func newActor(name string) *actor { return &actor{name: name, gate: make(chan struct{})} }

// pause returns when the actor's next step comes.
func (a *actor) pause() {
	a.waiting.Store(true)
	<-a.gate
}

// ready reports whether the actor has a step to go.
func (a *actor) ready() bool { return a.waiting.Load() && (a.after == nil || a.after.begun) }

func (a *actor) step() {
	a.begun = true
	a.waiting.Store(false)
	a.gate <- struct{}{}
	synctest.Wait()
}

// actorKey is under which a context carries the actor that pauses before and after Read.
type actorKey struct{}

// stepped is a memory engine whose Read and Tail are driven step by step.
type stepped struct {
	*memory.Engine
	tail *actor
}

func (e stepped) Read(ctx context.Context, payment string) ([]relay.Entry, error) {
	a, _ := ctx.Value(actorKey{}).(*actor)
	if a != nil {
		a.pause()
	}
	entries, err := e.Engine.Read(ctx, payment)
	if a != nil {
		a.pause()
	}
	return entries, err
}

func (e stepped) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	return e.Engine.Tail(ctx, after, func(en relay.Entry) {
		e.tail.pause()
		deliver(en)
	})
}

// scene is who takes part in one walk: everybody goes at once, one step at a time, in an order that is chosen.
type scene struct {
	entries     []relay.Event // appended one by one
	subscribers int
	gated       bool // every call of the first subscriber's waiter is a step of its own
	drain       bool // somebody drains the relay
	expire      bool // the waiters' time passes
	close       bool // the first subscriber is closed when it has subscribed
}

// part is one subscriber of a scene.
type part struct {
	*recorder
	before  int   // how many events were told of what was stored before Subscribe
	refused error // what Subscribe returned
	atOnce  int   // how many events it was told when Subscribe returned
}

const payment = "order-1"

// stage is a scene while it is played.
type stage struct {
	scene
	t      *testing.T
	engine stepped
	relay  *relay.Relay
	actors []*actor
	parts  []*part
	last   *actor // the subscriber that was added last
	order  []string
}

// play runs the scene once, in the order that pick chooses, and checks what everybody was told.
func (sc scene) play(t *testing.T, pick func(n int) int) {
	engine := stepped{memory.New(memory.Options{}), newActor("tail")}
	r, stop := start(t, engine, relay.Options{})
	s := &stage{scene: sc, t: t, engine: engine, relay: r, actors: []*actor{engine.tail}}
	s.spawn("append", s.append)
	for range sc.subscribers {
		s.subscriber(time.Now().Add(time.Minute))
	}
	if sc.drain {
		s.spawn("drain", func(*actor) { r.Drain() })
	}
	if sc.expire {
		s.spawn("expire", func(*actor) {})
	}
	synctest.Wait()
	for s.step(pick) {
	}
	if sc.expire { // whoever began to wait after that rings at the next tick
		time.Sleep(2 * wheel.Tick)
		synctest.Wait()
		for s.step(pick) {
		}
	}
	told := allTold(t, r, payment)
	state, _, _ := r.History(context.Background(), payment)
	for i, p := range s.parts {
		sc.check(t, i, p, told, state)
		p.pause = nil
	}
	stop()
	if t.Failed() {
		t.Fatalf("in this order: %v", s.order)
	}
}

func (s *stage) spawn(name string, f func(a *actor)) *actor {
	a := newActor(name)
	s.actors = append(s.actors, a)
	go func() {
		a.pause()
		f(a)
	}()
	return a
}

// step lets one of those go on who can, and reports whether there was any.
func (s *stage) step(pick func(n int) int) bool {
	var ready []*actor
	for _, a := range s.actors {
		if a.ready() {
			ready = append(ready, a)
		}
	}
	if len(ready) == 0 {
		return false
	}
	a := ready[pick(len(ready))]
	s.order = append(s.order, a.name)
	a.step()
	if a.name == "expire" {
		time.Sleep(time.Minute + wheel.Tick)
		synctest.Wait()
	}
	return true
}

func (s *stage) append(a *actor) {
	for i, e := range s.entries {
		if i > 0 {
			a.pause()
		}
		if _, _, err := s.engine.Append(context.Background(), e); err != nil {
			s.t.Error(err)
		}
	}
}

// subscriber adds one who waits. Where all are alike only one order of their beginnings is tried.
func (s *stage) subscriber(until time.Time) {
	p := &part{recorder: newRecorder(s.t)}
	first := len(s.parts) == 0
	s.parts = append(s.parts, p)
	if s.gated && first {
		told := newActor("waiter")
		s.actors = append(s.actors, told)
		p.pause = told.pause
	}
	a := s.spawn("subscribe", func(a *actor) {
		p.before = len(allTold(s.t, s.relay, payment))
		ctx := context.WithValue(context.Background(), actorKey{}, a)
		sub, err := s.relay.Subscribe(ctx, relay.Request{Payment: payment, Until: until}, p)
		p.refused, p.atOnce = err, len(p.ids())
		if err == nil && s.close && first {
			a.pause()
			sub.Close(relay.ErrGone)
		}
	})
	if last := s.last; last != nil && !s.gated && !s.close {
		a.after = last
	}
	s.last = a
}

// check compares what one subscriber was told with told, all that the log tells.
func (sc scene) check(t *testing.T, i int, p *part, told []relay.Told, state relay.State) {
	states, got, end := p.seen()
	ids, all := idsOf(got), idsOf(told)
	if p.refused != nil {
		if len(states) != 0 || len(got) != 0 || end != nil {
			t.Errorf("waiter %d is told something though Subscribe returned %v", i, p.refused)
		}
		if !(sc.drain && p.refused == relay.ErrClosing || sc.expire && p.refused == relay.ErrExpired) {
			t.Errorf("Subscribe %d: %v", i, p.refused)
		}
		return
	}
	if len(states) == 0 {
		t.Errorf("waiter %d is not told the state", i)
		return
	}
	if len(got) > len(told) {
		t.Errorf("waiter %d is told %v, the log tells %v", i, ids, all)
		return
	}
	for j := range got {
		if got[j].Position != told[j].Position || got[j].Event != told[j].Event || got[j].State.Status != told[j].State.Status {
			t.Errorf("waiter %d is told %v, the log tells %v", i, ids, all)
			return
		}
	}
	if p.atOnce < min(p.before, len(got)) {
		t.Errorf("waiter %d is told %d events when Subscribe returns, %d were stored before", i, p.atOnce, p.before)
	}
	final := len(got) > 0 && got[len(got)-1].State.Final
	switch {
	case final && end != relay.ErrDone:
		t.Errorf("waiter %d is told the outcome, its end is %v", i, end)
	case final:
	case end == nil && len(got) != len(told):
		t.Errorf("waiter %d still waits and is told %v, the log tells %v", i, ids, all)
	case end == nil && (sc.drain || sc.expire || sc.close && i == 0):
		t.Errorf("waiter %d still waits", i)
	case end == nil && state.Conflict && !states[len(states)-1].Conflict:
		t.Errorf("waiter %d is not told of the conflict", i)
	case end == relay.ErrClosing && sc.drain, end == relay.ErrExpired && sc.expire, end == relay.ErrGone && sc.close && i == 0:
	case end != nil:
		t.Errorf("the end of waiter %d is %v, it is told %v of %v", i, end, ids, all)
	}
}
