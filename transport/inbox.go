package transport

import (
	"sync"

	"github.com/tillbell/tillbell/relay"
)

// Frame is one thing to write to a client. Exactly one member is set, or none: that is a heartbeat.
type Frame struct {
	State *relay.State
	Told  *relay.Told
	End   error
}

// inboxLimit is how many frames may wait for a client that does not take them. A payment rarely has more than three
// events; the payment's state is retained anyway.
const inboxLimit = 64

// Inbox is the relay.Waiter of a transport that writes from a goroutine of its own. It is a wheel.Alarm too: each ring
// is a heartbeat, unless other frames wait already.
type Inbox struct {
	wake chan struct{}

	mu     sync.Mutex
	frames []Frame
	sub    *relay.Subscription
	slow   bool // frames were dropped: nothing but the end may follow, or the client's cursor would skip them
}

// NewInbox returns an empty Inbox.
func NewInbox() *Inbox { return &Inbox{wake: make(chan struct{}, 1)} }

// Bind says whose subscription ends when its client does not keep up, and takes what is there. Until then the Inbox has
// room for any number of frames: what the log holds is replayed before Subscribe returns.
func (b *Inbox) Bind(sub *relay.Subscription) []Frame {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sub = sub
	return b.take()
}

// Close ends the subscription that the Inbox is bound to, if any: its client is gone or too slow.
func (b *Inbox) Close(reason error) {
	b.mu.Lock()
	sub := b.sub
	b.mu.Unlock()
	if sub != nil {
		sub.Close(reason)
	}
}

// State takes the state frame.
func (b *Inbox) State(s *relay.State) { b.put(Frame{State: s}) }

// Deliver takes an event.
func (b *Inbox) Deliver(t *relay.Told) { b.put(Frame{Told: t}) }

// End takes the end of the wait.
func (b *Inbox) End(err error) { b.put(Frame{End: err}) }

// Ring takes a heartbeat.
func (b *Inbox) Ring() {
	b.mu.Lock()
	if len(b.frames) == 0 && !b.slow {
		b.frames = append(b.frames, Frame{})
	}
	b.mu.Unlock()
	b.signal()
}

func (b *Inbox) put(f Frame) {
	b.mu.Lock()
	overrun := !b.slow && b.sub != nil && len(b.frames) >= inboxLimit && f.End == nil
	if overrun {
		b.slow, b.frames = true, nil
	}
	if b.slow && f.End != nil {
		f.End = relay.ErrSlow // whatever the wait came to, this client was not told it
	}
	if !b.slow || f.End != nil {
		b.frames = append(b.frames, f)
	}
	sub := b.sub
	b.mu.Unlock()
	if overrun {
		sub.Close(relay.ErrSlow)
	}
	b.signal()
}

func (b *Inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Wake is ready when Take has something to return. It may be ready once more than that.
func (b *Inbox) Wake() <-chan struct{} { return b.wake }

// Take removes and returns all frames.
func (b *Inbox) Take() []Frame {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.take()
}

func (b *Inbox) take() []Frame {
	frames := b.frames
	b.frames = nil
	return frames
}
