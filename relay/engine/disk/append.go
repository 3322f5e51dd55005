package disk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/disk/internal/guard"
	"github.com/tillbell/tillbell/relay/yield"
)

// request is one Append that waits for the committer.
type request struct {
	ctx   context.Context
	event relay.Event

	done   chan struct{} // closed when what follows is set
	entry  relay.Entry
	stored bool
	err    error
}

func (r *request) answer(en relay.Entry, stored bool, err error) {
	r.entry, r.stored, r.err = en, stored, err
	close(r.done)
}

// queue holds the requests that wait.
type queue struct {
	mu       sync.Mutex
	requests []*request
	closed   bool
	wake     chan struct{}
}

func (q *queue) push(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.requests = append(q.requests, r)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// take returns up to group requests.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.requests), group)
	taken := q.requests[:n:n]
	if q.requests = q.requests[n:]; len(q.requests) == 0 {
		q.requests = nil
	} else {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return taken
}

// drop forgets a request whose caller has given up: while the disk hangs nobody takes any.
func (q *queue) drop(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.requests, r); i >= 0 {
		q.requests = slices.Delete(q.requests, i, i+1)
	}
}

// close refuses all that waits and all that comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, r := range q.requests {
		r.answer(relay.Entry{}, false, errClosed)
	}
	q.requests = nil
}

// group is how many events one sync may make durable.
const group = 512

// Append stores ev and returns when it is durable: the file that it was written to has been synced. Events that come
// while another group is being synced are synced together. On a full disk it returns ErrFull at once.
func (e *Engine) Append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	en, stored, err := e.append(ctx, ev)
	if err != nil {
		return relay.Entry{}, false, fmt.Errorf("disk: append: %w", err)
	}
	return en, stored, nil
}

func (e *Engine) append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	if err := ctx.Err(); err != nil {
		return relay.Entry{}, false, err
	}
	if err := e.well(); err != nil {
		return relay.Entry{}, false, err
	}
	full := e.guard.Full()
	select {
	case <-full:
		return relay.Entry{}, false, fmt.Errorf("%s: %w", e.folder.path, ErrFull)
	default:
	}
	r := &request{ctx: ctx, event: ev, done: make(chan struct{})}
	if !e.waiting.push(r) {
		return relay.Entry{}, false, errClosed
	}
	select {
	case <-r.done:
		return r.entry, r.stored, r.err
	case <-ctx.Done():
		e.waiting.drop(r)
		return relay.Entry{}, false, ctx.Err()
	case <-full:
		return relay.Entry{}, false, fmt.Errorf("%s: %w", e.folder.path, ErrFull)
	case <-e.guard.Broken():
		return relay.Entry{}, false, e.well()
	}
}

// commits is the committer: the one goroutine that writes. Between two groups it removes some of what has expired.
func (e *Engine) commits() {
	defer e.waiting.close()
	var others yield.Point
	defer others.Close()
	every := time.NewTicker(min(max(e.retention/100, 10*time.Millisecond), 10*time.Second))
	defer every.Stop()
	expired := closedChan // there may be something to remove
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-e.guard.Broken():
			return
		case <-every.C:
			expired = closedChan
			e.keepTime()
		case <-expired:
			if !e.expire() {
				expired = nil
				e.giveBack()
			}
		case <-e.waiting.wake:
			others.Yield() // on one processor nobody has run while the last group was synced: all are to be in this one
			e.commit(e.waiting.take())
		}
	}
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// commit stores a group of events and answers them.
func (e *Engine) commit(requests []*request) {
	if e.lowOnSpace() {
		for _, r := range requests {
			r.answer(relay.Entry{}, false, fmt.Errorf("%s: %w", e.folder.path, ErrFull))
		}
		return
	}
	g := newBundle(e)
	defer g.batch.Close()
	for _, r := range requests {
		if err := r.ctx.Err(); err != nil {
			r.answer(relay.Entry{}, false, err)
			continue
		}
		if err := g.add(r); err != nil {
			r.answer(relay.Entry{}, false, e.told(err))
		}
	}
	err := e.reserve(g.mark.last)
	if guard.IsFull(err) {
		e.guard.NoSpace()
		err = fmt.Errorf("%s: %w", e.folder.path, ErrFull)
	}
	if err == nil {
		if err = g.write(); err != nil { // what of it is in the store is not known
			e.guard.Fail(err)
		}
	}
	if dead := e.well(); dead != nil { // also if the store was told nothing of it
		err = dead
	}
	if err == nil {
		e.end.grow(g.entries)
	}
	g.answer(err)
}

// lowOnSpace reports whether what is left of the disk is kept for expiry.
func (e *Engine) lowOnSpace() bool {
	reserve, free := e.guard.Usage()
	if free >= reserve {
		return false
	}
	e.guard.NoSpace()
	return true
}
