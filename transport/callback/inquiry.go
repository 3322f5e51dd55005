package callback

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How much one source may ask its provider's API, by the grade of the origins that cause it: at the same time, and in a
// second, with a burst of twice as many. Strangers have lanes of their own, so that they cannot use up that of the
// provider's callbacks, and with all of them they take half of the eight requests that a fetch.Client makes at once.
var lanes = [...]struct{ atOnce, perSecond int }{
	proven:   {8, 50},
	clean:    {3, 10},
	wasteful: {1, 5},
}

const (
	// fetchTime is how long a callback waits for what it is about, all in all.
	fetchTime = 10 * time.Second
	// againAfter is the least time between a fetch and those of the same that follow it, of which each lane may have one.
	againAfter = 3 * time.Second
	// unknownFor is the same for a stranger who asks for what the API knew nothing about. It is not acknowledged
	// meanwhile: the API may know by now, and anybody can have asked before the provider told.
	unknownFor = time.Minute
	// maxJoined is how many callbacks may wait for the same fetch, and maxParked for any of a source; strangers half as many.
	maxJoined = 32
	maxParked = 512
)

// inquiries are what one source asks its provider's API. They may be used from many goroutines; what they remember is
// bounded by the paces of the lanes.
type inquiries struct {
	fetch func(context.Context, Event) ([]Event, error)
	lanes [len(lanes)]lane

	mu     sync.Mutex // over all below, and never held during a fetch
	byID   map[string]*inquiry
	parked int // callbacks that wait for the fetch of another
	swept  time.Time
}

type lane struct {
	pace  *pace
	slots chan struct{}
}

// inquiry is all about one id.
type inquiry struct {
	began   time.Time // of the last fetch
	nothing bool      // is what that came to
	// Each lane has rounds of its own: who joined a stranger's would wait for its turn in the lane of strangers, so that they
	// could hold up the provider's callback about any id that they know.
	rounds [len(lanes)]rounds
}

// rounds are those of an id in one lane: at most one fetch runs, and at most one waits to be next.
type rounds struct{ running, next *round }

// round is one fetch, for one callback or several. Its result is there when done is closed.
type round struct {
	begin  time.Time // and not before
	done   chan struct{}
	joined int // beside the callback that leads it
	events []Event
	err    error
}

func newInquiries(now time.Time, fetch func(context.Context, Event) ([]Event, error)) *inquiries {
	q := &inquiries{fetch: fetch, byID: make(map[string]*inquiry), swept: now}
	for g, l := range lanes {
		q.lanes[g] = lane{newPace(now, l.perSecond, 2*l.perSecond), make(chan struct{}, l.atOnce)}
	}
	return q
}

// ask returns what the API says about e, asked after ask was called: the change that e tells of may be newer than the
// answer to a question that is on its way, so a callback joins the next fetch of the same and never the running one. The
// error is a *delay if e has to come again because there are too many.
func (q *inquiries) ask(ctx context.Context, e Event, g grade) ([]Event, error) {
	in, r, leads, err := q.enter(e.TransactionID, g, time.Now())
	if err != nil {
		return nil, err
	}
	if !leads {
		return q.join(ctx, r)
	}
	q.lead(ctx, e, g, in, r)
	return r.events, r.err
}

// enter finds the callback's round: the next one that another callback leads, or one that it has to lead itself.
func (q *inquiries) enter(id string, g grade, now time.Time) (in *inquiry, r *round, leads bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	in = q.byID[id]
	if in != nil && in.rounds[g].next != nil {
		next, share := in.rounds[g].next, 1
		if g != proven {
			share = 2
		}
		if next.joined >= maxJoined/share || q.parked >= maxParked/share {
			return nil, nil, false, &delay{again: againAfter}
		}
		next.joined++
		q.parked++
		return in, next, false, nil
	}
	begin := now
	if in != nil {
		after := againAfter
		if in.nothing && g != proven {
			after = unknownFor
		}
		begin = in.began.Add(after)
	}
	if pause := begin.Sub(now); pause > againAfter {
		return nil, nil, false, &delay{again: pause}
	}
	if !q.lanes[g].pace.take(now) {
		return nil, nil, false, &delay{again: restTime}
	}
	if in == nil {
		q.sweep(now)
		in = &inquiry{}
		q.byID[id] = in
	}
	r = &round{begin: begin, done: make(chan struct{}), err: errBroken}
	in.rounds[g].next = r
	return in, r, true, nil
}

// join waits for a round that another leads.
func (q *inquiries) join(ctx context.Context, r *round) ([]Event, error) {
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.parked--
	}()
	select {
	case <-r.done:
		return r.events, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("callback: fetch: wait for another's: %w", ctx.Err())
	}
}

// errBroken is the result of a round until it has another one: its fetch may panic.
var errBroken = errors.New("callback: fetch: broke off")

// lead does the inquiry's next round and fills it in, whatever happens.
func (q *inquiries) lead(ctx context.Context, e Event, g grade, in *inquiry, r *round) {
	own := &in.rounds[g]
	defer q.finish(in, own, r)
	if err := q.turn(ctx, g, own, r); err != nil {
		r.err = fmt.Errorf("callback: fetch: wait for a turn: %w", err)
		return
	}
	defer func() { <-q.lanes[g].slots }()
	q.mu.Lock()
	own.next, own.running, in.began = nil, r, time.Now() // who comes from here on waits for another
	q.mu.Unlock()
	r.events, r.err = q.fetch(ctx, e)
}

// turn waits until the round may begin, and takes a slot of the lane. No other can begin meanwhile.
func (q *inquiries) turn(ctx context.Context, g grade, own *rounds, r *round) error {
	q.mu.Lock()
	before := own.running
	q.mu.Unlock()
	if before != nil {
		select {
		case <-before.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if pause := time.Until(r.begin); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case q.lanes[g].slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish lets everybody know how the round ended.
func (q *inquiries) finish(in *inquiry, own *rounds, r *round) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if own.next == r { // it did not begin
		own.next = nil
	} else {
		own.running, in.nothing = nil, r.err == nil && len(r.events) == 0
	}
	close(r.done)
}

// sweep forgets what is over, now and then.
func (q *inquiries) sweep(now time.Time) {
	if now.Sub(q.swept) < againAfter {
		return
	}
	q.swept = now
	for id, in := range q.byID {
		keep := againAfter
		if in.nothing {
			keep = unknownFor
		}
		if in.rounds == [len(lanes)]rounds{} && now.Sub(in.began) >= keep {
			delete(q.byID, id)
		}
	}
}
