package relay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay/wheel"
)

// Waiter is told what happens to one payment. Its methods return at once and are never called at the same time, and
// no lock of the relay is held while they run. They may call Subscription.Close, but not Subscribe. What they are given
// may be kept but not changed.
type Waiter interface {
	// State is called first, with what is known, and again after each contradiction.
	State(*State)
	// Deliver is called for each applied event behind the cursor, in order, each once. If Told.State is final, End
	// follows at once, behind what was applied together with it.
	Deliver(*Told)
	// End is called once, last, with one of this package's errors or an engine's.
	End(error)
}

// Request says what to wait for.
type Request struct {
	Payment string
	// After is the last position that the client has had; zero, one of another epoch or one beyond the log's end is
	// none.
	After Position
	// Until is when the wait expires.
	Until time.Time
	// Address is the client's, for MaxPerAddress.
	Address string
}

// Subscription is one wait. It ends by itself, or by Close; afterwards it holds nothing.
type Subscription struct {
	relay   *Relay
	waiter  Waiter
	payment string
	address string
	timer   wheel.Timer

	topic *topic
	index int // in topic.subs; under the shard's lock

	mu    sync.Mutex
	queue []*notice
	busy  bool // one goroutine is telling the waiter; others leave their notices in queue
	ended bool
	last  Position // what the waiter was told lies at or before it
}

// notice is one thing that waiters will be told: in this order events, the state after a contradiction, the end. It is
// not changed once it was pushed, for all waiters of a payment share it.
type notice struct {
	at    Position
	told  []Told
	state *State
	end   error
}

// Subscribe registers w for the payment, tells it the state and what lies behind the cursor, and has it told whatever
// comes until the subscription ends. Before Subscribe returns, w has been told all that was stored before the call:
// registering comes first, reading second, and what happens meanwhile waits, so there is no moment at which an event
// can be missed or come twice.
//
// When Subscribe returns an error, w is never called: ErrClosing, ErrFull, ErrCrowded, ErrExpired if Until has passed
// and there is no outcome to tell, ctx's error, or the engine's.
func (r *Relay) Subscribe(ctx context.Context, q Request, w Waiter) (*Subscription, error) {
	sub := &Subscription{relay: r, waiter: w, payment: q.Payment, busy: true}
	if r.opts.MaxPerAddress > 0 {
		sub.address = q.Address
	}
	if err := r.add(sub); err != nil {
		return nil, err
	}
	known, err := r.catchUp(ctx, q)
	if err != nil {
		sub.abandon()
		return nil, err
	}
	sub.last = known.state.Position.End()
	r.goLive(sub, known)

	w.State(&known.state)
	for i := range known.told {
		w.Deliver(&known.told[i])
	}
	if known.state.Final {
		sub.finish(ErrDone)
		return sub, nil
	}
	r.wheel.Set(&sub.timer, q.Until, alarm{sub})
	sub.work()
	return sub, nil
}

// known is what the log says when a subscription begins.
type known struct {
	entries []Entry
	state   State
	told    []Told // behind the cursor
}

// catchUp reads the payment's log.
func (r *Relay) catchUp(ctx context.Context, q Request) (*known, error) {
	entries, err := r.engine.Read(ctx, q.Payment)
	if err != nil {
		return nil, fmt.Errorf("relay: subscribe: %w", err)
	}
	head, err := r.engine.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("relay: subscribe: %w", err)
	}
	k := &known{entries: entries, state: NewState(q.Payment)}
	if len(entries) != 0 { // mostly there is nothing
		after := q.After
		if after.Epoch != head.Epoch || after.Seq > head.Seq {
			after = Position{}
		}
		k.fold(after)
	}
	if k.state.Position.IsZero() {
		k.state.Position = Position{Epoch: head.Epoch}
	}
	if !k.state.Final && !q.Until.After(time.Now()) {
		return nil, ErrExpired
	}
	return k, nil
}

func (k *known) fold(after Position) {
	for _, en := range k.entries {
		for _, t := range k.state.Apply(en).Told {
			if t.Position.Compare(after) > 0 {
				k.told = append(k.told, t)
			}
		}
	}
}

// Close ends the subscription: its waiter is told the reason, unless it was told an end before. It may be called any
// number of times, by anybody.
func (s *Subscription) Close(reason error) { s.push(&notice{end: reason}) }

// push lets n be told after everything pushed before: by this goroutine, or by the one that is telling the waiter
// something now.
func (s *Subscription) push(n *notice) {
	s.mu.Lock()
	if s.ended || s.busy {
		s.queueLocked(n)
		s.mu.Unlock()
		return
	}
	s.busy = true
	s.mu.Unlock()
	if !s.tell(n) {
		s.work()
	}
}

// leave queues n, and reports whether nobody is telling the waiter anything: then the caller has to see to it that work
// is called.
func (s *Subscription) leave(n *notice) (idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queueLocked(n)
	idle = !s.busy && !s.ended
	s.busy = true
	return idle
}

func (s *Subscription) queueLocked(n *notice) {
	if !s.ended {
		s.queue = append(s.queue, n)
	}
}

// work tells the waiter what is queued, until nothing is. Its caller has set busy.
func (s *Subscription) work() {
	for {
		s.mu.Lock()
		queue := s.queue
		s.queue = nil
		if len(queue) == 0 {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, n := range queue {
			if s.tell(n) {
				return
			}
		}
	}
}

// tell reports whether n was the last.
func (s *Subscription) tell(n *notice) (over bool) {
	if n.end != nil {
		s.finish(n.end)
		return true
	}
	if n.at.Compare(s.last) <= 0 { // read from the log when the subscription began
		return false
	}
	s.last = n.at.End()
	for i := range n.told {
		s.waiter.Deliver(&n.told[i])
	}
	if n.state != nil {
		s.waiter.State(n.state)
	}
	if len(n.told) == 0 || !n.told[0].State.Final {
		return false
	}
	s.finish(ErrDone)
	return true
}

// finish tells the waiter its end and gives back what the subscription holds. Its caller has set busy.
func (s *Subscription) finish(reason error) {
	s.mu.Lock()
	ended := s.ended
	s.ended, s.queue = true, nil
	s.mu.Unlock()
	if ended {
		return
	}
	s.abandon()
	s.waiter.End(reason)
}

func (s *Subscription) abandon() {
	s.relay.wheel.Cancel(&s.timer)
	s.relay.remove(s)
}

// alarm ends a subscription when its time is over.
type alarm struct{ sub *Subscription }

func (a alarm) Ring() { a.sub.Close(ErrExpired) }
