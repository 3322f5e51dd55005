package relay

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
)

// Receipt says what became of a published event.
type Receipt struct {
	Position Position
	// Duplicate: the log had the event already; the rest is about that one.
	Duplicate bool
	// Applied: the event took effect, and waiters are told it.
	Applied bool
	// Held: the event waits for its payment's registration.
	Held bool
	// Conflict says what the event contradicts; empty when it contradicts nothing.
	Conflict string
}

// Publish stores e as durably as the engine promises and returns what it did to its payment's state. An error means
// that e may not be stored: publishing it again is safe.
func (r *Relay) Publish(ctx context.Context, e Event) (Receipt, error) {
	e.Final = e.finality()
	en, stored, err := r.engine.Append(ctx, e)
	if err != nil {
		return Receipt{}, fmt.Errorf("relay: publish: %w", err)
	}
	runtime.Gosched() // an engine that is done by now has woken its tail: who waits is told before who publishes
	receipt := Receipt{Position: en.Position, Duplicate: !stored}
	entries, err := r.engine.Read(ctx, e.Payment)
	if err != nil {
		return receipt, fmt.Errorf("relay: publish: %w", err)
	}
	r.memo.judge(&receipt, entries, e.Payment, e.ID)
	return receipt, nil
}

// History returns a payment's state and what its log holds, in log order. A payment nothing is known of has the state
// pending and no records.
func (r *Relay) History(ctx context.Context, payment string) (State, []Record, error) {
	entries, err := r.engine.Read(ctx, payment)
	if err != nil {
		return State{}, nil, fmt.Errorf("relay: history: %w", err)
	}
	s, records := Fold(payment, entries)
	return s, records, nil
}

// Registration is what a merchant expects of a payment. Amount and Currency go together; empty members bind nothing.
type Registration struct {
	Payment  string
	Source   string
	Amount   Amount
	Currency string
}

var (
	// ErrRegistered: the payment is registered with another source, amount or currency. Nothing changed.
	ErrRegistered = errors.New("relay: registered differently before")
	// ErrPaidOtherwise: the registration is stored, but the payment's outcome, which stays, came with another amount
	// or currency or from another source.
	ErrPaidOtherwise = errors.New("relay: outcome differs from the registration")
)

// entry returns the log's form of the registration. Its id is made of what it says, so that a repeated one is stored
// once, and begins as no event's can.
func (g Registration) entry() Event {
	return Event{
		ID:      "~registered:" + g.Source + ":" + string(g.Amount) + ":" + g.Currency,
		Source:  g.Source,
		Payment: g.Payment, Status: Registered, Amount: g.Amount, Currency: g.Currency,
	}
}

// Register binds a payment to what g names and returns its state and whether this is its first registration. Members
// that g leaves empty are neither bound nor compared. With ErrRegistered and ErrPaidOtherwise the state is valid.
func (r *Relay) Register(ctx context.Context, g Registration) (s State, first bool, err error) {
	s, _, err = r.History(ctx, g.Payment)
	if err != nil {
		return s, false, err
	}
	e := g.entry()
	if s.bound.differs(e) {
		return s, false, ErrRegistered
	}
	if !s.registered || s.bound.lacks(e) {
		if s, first, err = r.bind(ctx, e); err != nil {
			return s, false, err
		}
	}
	if s.outcomeDiffers() {
		return s, first, ErrPaidOtherwise
	}
	return s, first, nil
}

// bind appends the registration e. Of several at the same time the log decides which is first and which differs.
func (r *Relay) bind(ctx context.Context, e Event) (s State, first bool, err error) {
	en, stored, err := r.engine.Append(ctx, e)
	if err != nil {
		return s, false, fmt.Errorf("relay: register: %w", err)
	}
	s, records, err := r.History(ctx, e.Payment)
	if err != nil {
		return s, false, err
	}
	if s.bound.differs(e) {
		return s, false, ErrRegistered
	}
	i := slices.IndexFunc(records, func(rec Record) bool { return rec.Event.Status == Registered })
	return s, stored && i >= 0 && records[i].Position == en.Position, nil
}
