package nats

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

// Append publishes ev behind what is known of its payment, and if there is more, reads it and publishes behind that. It
// returns when a majority of the replicas has the message.
func (e *Engine) Append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	if ev.Payment == "" {
		return relay.Entry{}, false, errors.New("nats: append: the event has no payment")
	}
	ctx, cancel := context.WithTimeout(ctx, callTime) // the wait for the turn counts as well
	defer cancel()
	free, err := e.turns.take(ctx, ev.Payment)
	if err != nil {
		return relay.Entry{}, false, fmt.Errorf("nats: append: %w", err)
	}
	defer free()
	a := appending{Engine: e, event: ev, call: rand.Uint64()}
	if err := e.attempts(ctx, callTime, a.try); err != nil {
		return relay.Entry{}, false, fmt.Errorf("nats: append: %w", err)
	}
	return a.entry, a.stored, nil
}

// appending is one Append on its way.
type appending struct {
	*Engine
	event relay.Event
	call  uint64 // by which a message whose acknowledgement was lost is known again
	tried bool   // to publish without reading

	entry  relay.Entry
	stored bool
}

// try publishes behind the payment's messages: at first behind those that are known, which are none for most callbacks,
// and then reading them. The leader refuses a message if the payment's last one is another than it was published behind,
// so nothing comes in between, and what is read or known may as well be old. It may not be in part, which could hide the id.
func (a *appending) try(ctx context.Context) error {
	l, err := a.current()
	if err != nil {
		return err
	}
	payment := a.event.Payment
	if last, stamp, lacks := l.recent.lacks(payment, a.event.ID); lacks && !a.tried {
		a.tried = true
		if err := a.publish(ctx, l, last, stamp); !errors.Is(err, errAgain) {
			return err
		}
	}
	l, log, err := a.read(ctx, payment)
	if err != nil {
		return err
	}
	l.recent.learnAll(payment, log)
	last, stamp := uint64(0), time.Time{}
	for _, m := range log {
		if m.Event.ID == a.event.ID {
			a.entry, a.stored = m.Entry, m.call == a.call
			l.raise(m.Position.Seq)
			return nil
		}
		if last = m.Position.Seq; m.stamped {
			stamp = m.Event.Time
		}
	}
	return a.publish(ctx, l, last, stamp)
}

// publish publishes behind the message at last, and after stamp if the event has no time.
func (a *appending) publish(ctx context.Context, l *life, last uint64, stamp time.Time) error {
	m := stored{before: last, call: a.call, stamped: a.event.Time.IsZero()}
	if m.Event = a.event; m.stamped {
		m.Event.Time = later(time.Now(), stamp)
	}
	msg := nats.NewMsg(l.subject(m.Event.Payment))
	msg.Data = appendPayload(make([]byte, 0, 256), m)
	ack, err := a.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(last),
		jetstream.WithExpectStream(a.place.stream), jetstream.WithRetryAttempts(0)) // another stream may have taken the subjects
	switch code(err) {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return fmt.Errorf("%w: other nodes append to the same payment", errAgain)
	}
	if err != nil {
		return err
	}
	m.Position = relay.Position{Epoch: l.epoch, Seq: ack.Sequence}
	a.entry, a.stored = m.Entry, true
	l.recent.learn(m)
	l.raise(ack.Sequence)
	return nil
}

// later returns now, or what is a nanosecond after last, for clocks of several nodes differ and are set back.
func later(now, last time.Time) time.Time {
	if now = now.UTC().Round(0); now.After(last) {
		return now
	}
	return last.Add(time.Nanosecond)
}

// turns lets one Append of a payment at a time through. Others of this node would only be refused by the leader.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

// turn is one payment's.
type turn struct {
	wants int           // holder and those who wait
	token chan struct{} // who has it holds the turn
}

// take waits for the payment's turn and returns what gives it back.
func (t *turns) take(ctx context.Context, payment string) (free func(), err error) {
	t.mu.Lock()
	if t.held == nil {
		t.held = make(map[string]*turn)
	}
	p := t.held[payment]
	if p == nil {
		p = &turn{token: make(chan struct{}, 1)}
		p.token <- struct{}{}
		t.held[payment] = p
	}
	p.wants++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if p.wants--; p.wants == 0 {
			delete(t.held, payment)
		}
	}
	select {
	case <-p.token:
		return func() { p.token <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
