package live

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// about is the key of About's context.
type about struct{}

// About returns a context for a callback of which the caller knows the payment. The route learns it from a genuine one
// alone: of others, nothing is read.
func About(ctx context.Context, payment string) context.Context {
	return context.WithValue(ctx, about{}, payment)
}

// call is the callback.Observer of one callback.
type call struct {
	live   *Live
	number uint64
	source string
	begin  time.Time
	// subjects are the payments that it is about. As long as nobody knows that there is one without a payment.
	subjects []subject
}

// subject is a payment of a callback.
type subject struct {
	payment string
	status  relay.Status // that the callback says it has, once that is proven
	begun   bool         // Received is shown
}

// Received begins a callback. It is shown as soon as its payment is known, or is known to stay unknown.
func (l *Live) Received(ctx context.Context, source string) callback.Observer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	payment, known := ctx.Value(about{}).(string)
	c := &call{live: l, number: l.calls, source: source, begin: time.Now(), subjects: []subject{{payment: payment}}}
	if known {
		c.receive()
	}
	return c
}

// Verified shows what the callback says.
func (c *call) Verified(events []relay.Event) {
	now := time.Now()
	c.live.mu.Lock()
	defer c.live.mu.Unlock()
	var said []subject
	for _, e := range events {
		c.live.of(e.Payment).add(&event{id: e.ID, call: c, status: e.Status})
		if !slices.ContainsFunc(said, func(s subject) bool { return s.payment == e.Payment }) {
			said = append(said, subject{e.Payment, e.Status, slices.Contains(c.subjects, subject{payment: e.Payment, begun: true})})
		}
	}
	detail := ""
	if len(said) > 0 {
		c.subjects = said
	} else {
		detail = "not about a payment's status"
	}
	c.receive()
	c.showAll(Verified, detail, now)
}

// Stored shows what became of one event.
func (c *call) Stored(e relay.Event, receipt relay.Receipt) {
	now := time.Now()
	c.live.mu.Lock()
	defer c.live.mu.Unlock()
	if receipt.Duplicate {
		c.show(e.Payment, Step{Step: Duplicate, Status: e.Status}, now)
		return
	}
	c.store(c.live.of(e.Payment).find(e.ID), e.Payment, receipt.Applied, outcome(receipt), now)
	if receipt.Conflict != "" {
		c.show(e.Payment, Step{Step: Conflict, Status: e.Status, Detail: receipt.Conflict}, now)
	}
}

// outcome says what storing an event came to, where it is not that waiters are told.
func outcome(r relay.Receipt) string {
	switch {
	case r.Held:
		return "held back until the payment is registered"
	case !r.Applied && r.Conflict == "":
		return "not told: the payment's state is newer, or says so already"
	}
	return ""
}

// store shows once that e was stored.
func (c *call) store(e *event, payment string, applied bool, detail string, now time.Time) {
	if e == nil || e.call != c || e.stored {
		return
	}
	e.stored, e.applied = true, applied
	c.show(payment, Step{Step: Stored, Status: e.status, Detail: detail}, now)
}

// Answered shows the answer.
func (c *call) Answered(status int, err error) {
	now := time.Now()
	c.live.mu.Lock()
	defer c.live.mu.Unlock()
	c.receive()
	if err == nil {
		c.showAll(Acknowledged, strconv.Itoa(status), now)
		return
	}
	for _, s := range c.subjects { // a later callback may still store what this one says
		if h := c.live.payments[s.payment]; h != nil {
			h.events = slices.DeleteFunc(h.events, func(e *event) bool { return e.call == c && !e.stored })
		}
	}
	detail := strconv.Itoa(status) + " not stored, to be sent again"
	if refusal, ok := errors.AsType[*callback.Refusal](err); ok {
		detail = strconv.Itoa(status) + " " + string(refusal.Reason)
		if refusal.Detail != "" {
			detail += ": " + refusal.Detail
		}
	}
	c.showAll(Refused, detail, now)
}

// told shows that a waiter was written an event. Nobody is told what is not stored: a waiter is often told before the
// route hears from the engine, and then this is when it is seen.
func (l *Live) told(transport string, t *relay.Told, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.payments[t.Event.Payment]
	if h == nil {
		return
	}
	e := h.find(t.Event.ID)
	if e == nil { // a merchant's own, or long ago
		return
	}
	e.told = true
	e.call.store(e, h.payment, true, "", now)
	e.call.show(h.payment, Step{Step: Told, Status: e.status, Transport: transport}, now)
}

// receive shows that the callback was received, to whom that is not shown yet.
func (c *call) receive() {
	for i := range c.subjects {
		if s := &c.subjects[i]; !s.begun {
			s.begun = true
			c.show(s.payment, Step{Step: Received}, c.begin)
		}
	}
}

// showAll shows a step of the whole callback.
func (c *call) showAll(step, detail string, now time.Time) {
	for _, s := range c.subjects {
		c.show(s.payment, Step{Step: step, Status: s.status, Detail: detail}, now)
	}
}

// show completes and shows a step. All times of a callback are by the clock of its beginning, which nobody can set.
func (c *call) show(payment string, s Step, now time.Time) {
	took := now.Sub(c.begin)
	s.Callback, s.Source, s.Micros = c.number, c.source, took.Microseconds()
	s.At = c.begin.Add(took).UTC().Format("2006-01-02T15:04:05.000000Z")
	c.live.show(payment, s)
}
