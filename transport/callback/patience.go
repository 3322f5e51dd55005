package callback

import (
	"context"
	"sync"
	"time"
)

// patience is the context of a store: it ends at a time or with release, whatever becomes of the request that is its
// parent. It differs from one of context.WithDeadline in having no timer as long as nobody asks for Done: an engine
// that stores without waiting asks for Err alone, and most callbacks are over in microseconds.
type patience struct {
	parent context.Context // has the values
	until  time.Time

	mu       sync.Mutex
	timed    context.Context // nil as long as nobody waits
	cancel   context.CancelFunc
	released bool
}

func (p *patience) Deadline() (time.Time, bool) { return p.until, true }

func (p *patience) Value(key any) any { return p.parent.Value(key) }

func (p *patience) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timed == nil {
		p.timed, p.cancel = context.WithDeadline(context.WithoutCancel(p.parent), p.until)
		if p.released {
			p.cancel()
		}
	}
	return p.timed.Done()
}

func (p *patience) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.timed != nil:
		return p.timed.Err()
	case p.released:
		return context.Canceled
	case time.Now().Before(p.until):
		return nil
	default:
		return context.DeadlineExceeded
	}
}

// release ends the context and its timer, if it has one.
func (p *patience) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = true
	if p.cancel != nil {
		p.cancel()
	}
}
