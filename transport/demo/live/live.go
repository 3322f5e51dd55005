// Package live is what the demo shop shows beside a checkout: what becomes of each callback, from its arrival to the
// waiters that were told, with times. It sees the real route and the real transports at work, as a callback.Trace and as a
// transport.Transport around theirs, and keeps the last steps of the newest payments for who comes later.
//
// Nothing that it keeps is secret: no body, no signature, no ticket.
package live

import (
	"container/list"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// What is kept, and for how many.
const (
	maxPayments = 1000 // the newest, by their last step
	maxSteps    = 50   // the last of each payment
	maxStreams  = 64   // open at once
	backlog     = 2 * maxSteps
)

// Kinds of steps, in the order in which a callback goes through them.
const (
	Received     = "received"
	Verified     = "verified"
	Refused      = "refused" // and nothing, or not everything, was stored
	Stored       = "stored"
	Duplicate    = "duplicate" // it was stored before
	Conflict     = "conflict"  // stored, contradicts, and changes nothing
	Acknowledged = "acknowledged"
	Told         = "told" // to one waiter; comes before Acknowledged more often than not
)

// Step is one thing that happened to a callback.
type Step struct {
	// Callback is its number in this process, from 1.
	Callback uint64 `json:"callback"`
	Step     string `json:"step"`
	At       string `json:"at"`     // RFC 3339 with microseconds
	Micros   int64  `json:"micros"` // since the callback was received
	Source   string `json:"source"`
	// Status is what the callback says of the payment; empty as long as nothing is proven.
	Status relay.Status `json:"status,omitempty"`
	Detail string       `json:"detail,omitempty"`
	// Transport is the one of Told.
	Transport string `json:"transport,omitempty"`
}

// Live sees callbacks and waits. Its methods may be called from many goroutines. It has no goroutine of its own.
type Live struct {
	mu       sync.Mutex
	calls    uint64 // received
	last     uint64 // step's id
	payments map[string]*history
	newest   list.List // of *history, the one with the latest step last
	streams  map[*stream]struct{}
}

// New returns a Live that has seen nothing.
func New() *Live {
	return &Live{
		last:     uint64(time.Now().UnixMicro()), // ids of a process before this one, which a page may come back with, are lower
		payments: make(map[string]*history), streams: make(map[*stream]struct{}),
	}
}

// history is what happened about one payment.
type history struct {
	payment string
	place   *list.Element
	steps   []frame
	events  []*event
}

// frame is a step as it is written.
type frame struct {
	id   uint64
	text []byte
}

// event is one that a callback said, to find that callback by when the event is told.
type event struct {
	id      string
	call    *call
	status  relay.Status
	stored  bool
	applied bool // it took effect
	told    bool // to anybody
}

// of returns the payment's history, as the newest.
func (l *Live) of(payment string) *history {
	h, ok := l.payments[payment]
	if ok {
		l.newest.MoveToBack(h.place)
		return h
	}
	h = &history{payment: payment}
	h.place = l.newest.PushBack(h)
	l.payments[payment] = h
	if len(l.payments) > maxPayments {
		oldest := l.newest.Remove(l.newest.Front()).(*history)
		delete(l.payments, oldest.payment)
	}
	return h
}

// find returns the event of that id, nil if there is none any more.
func (h *history) find(id string) *event {
	if i := slices.IndexFunc(h.events, func(e *event) bool { return e.id == id }); i >= 0 {
		return h.events[i]
	}
	return nil
}

// add keeps an event, unless an earlier callback said it.
func (h *history) add(e *event) {
	if h.find(e.id) != nil {
		return
	}
	if len(h.events) == maxSteps {
		h.events = slices.Delete(h.events, 0, 1)
	}
	h.events = append(h.events, e)
}

// show keeps the step and writes it to the streams of its payment. Without a payment it goes to all streams and is not
// kept: what is not proven is about nobody. The caller holds mu.
func (l *Live) show(payment string, s Step) {
	l.last++
	text, _ := json.Marshal(s) // of texts and numbers
	f := frame{l.last, fmt.Appendf(nil, "id: %d\ndata: %s\n\n", l.last, text)}
	if payment != "" {
		h := l.of(payment)
		if len(h.steps) == maxSteps {
			h.steps = slices.Delete(h.steps, 0, 1)
		}
		h.steps = append(h.steps, f)
	}
	for s := range l.streams {
		if payment == "" || s.payment == payment {
			l.send(s, f)
		}
	}
}
