package relay

import (
	"slices"
	"time"
)

// State is what a payment's log says, folded in log order. The same entries in the same order give the same State on
// every node; entries that do not contradict each other give it in any order.
//
// A State is a value: Apply changes the copy it is called on and no other.
type State struct {
	Payment string
	Status  Status
	// Final says that waits for the payment are over.
	Final bool
	// Conflict says that the log holds something that contradicts the rest. It is never taken back.
	Conflict bool
	// Amount is the payment's: what was paid, else what was registered, else what the deciding event says unless that
	// is a refund.
	Amount Amount
	// Currency is that of Amount and of Refunded.
	Currency string
	// Refunded is the total of all refunds in Currency, empty when there is none or their amounts are unknown.
	Refunded Amount
	// UpdatedAt is the time of the event that decides, of an outcome the latest time of an event that agrees with it.
	// It is zero when there is no event.
	UpdatedAt time.Time
	// Position is that of the last thing folded, whether it took part or not: as a cursor it is behind everything that
	// the State knows of.
	Position Position
	// Contradicted is the position of the last contradiction, zero when there is none.
	Contradicted Position

	registered bool
	bound      binding
	held       []Event
	sources    []string
	deciding   *Event // what Status and Final come from; never changed through the pointer, like payment
	refused    bool   // a paid event was not what is registered
	payment    *Event // of the paid events that took part the one that is preferred
	refunds    []Event
	finalAt    time.Time // latest of the final events that contradict nothing
}

// NewState returns the State of a payment nothing is known of.
func NewState(payment string) State {
	return State{Payment: payment, Status: Pending, deciding: &nothing, payment: &nothing}
}

// nothing stands for an event that there is none of.
var nothing Event

// Registered reports whether the log holds a registration.
func (s *State) Registered() bool { return s.registered }

// Known reports whether the log holds anything about the payment.
func (s *State) Known() bool { return !s.Position.IsZero() && s.Position.Seq != 0 }

// Told is one event as a waiter is told it, with the state that it led to. Events that one registration released have
// the state after the last of them in common.
type Told struct {
	Position Position
	Event    Event
	State    *State
}

// Contradiction is an event that contradicts its payment's log or registration, or a registration that contradicts what
// took effect before it.
type Contradiction struct {
	Position Position
	Event    Event
	Reason   string
}

// contradict adds a contradiction at a place of the log.
func (v *Verdict) contradict(at Position, e Event, reason string) {
	v.Conflict = reason
	v.Conflicts = append(v.Conflicts, Contradiction{at, e, reason})
}

// Verdict is what one entry of the log did to a State.
type Verdict struct {
	// Told are the events that took effect, in order: none, the entry's own, or those a registration released.
	Told []Told
	// Conflict says in words what the entry contradicts; empty when it contradicts nothing. Conflicts are all of that: a
	// registration may contradict what came before it, and release what contradicts it.
	Conflict  string
	Conflicts []Contradiction
	// Held says that the event waits for a registration.
	Held bool
}

// Apply folds the next entry of the payment's log.
func (s *State) Apply(en Entry) Verdict {
	var v Verdict
	s.fold(&en, &v)
	if len(v.Told) != 0 {
		after := *s
		for i := range v.Told {
			v.Told[i].State = &after
		}
	}
	return v
}

// fold is Apply without the states in Told, each of which would be a copy. The State keeps a pointer to the entry's
// event, which must not be changed. What v held is lost, so that one Verdict serves a whole log.
func (s *State) fold(en *Entry, v *Verdict) {
	*v = Verdict{Told: v.Told[:0]}
	s.Position = en.Position
	switch e := en.Event.normal(); {
	case e.Status == Registered:
		s.register(e, v)
	case e.NeedsRegistration && !s.registered:
		s.held = append(slices.Clip(s.held), *e)
		v.Held = true
	default:
		s.take(e, v)
	}
	if v.Conflict != "" {
		s.Conflict = true
		s.Contradicted = en.Position
	}
}

// Record is one entry of a payment's log with what it did.
type Record struct {
	Entry
	Verdict
}

// Applied reports whether the entry's own event took effect where it stands.
func (r Record) Applied() bool { return len(r.Told) != 0 && r.Event.Status != Registered }

// Fold folds a payment's entries, which must be in log order, and returns what each did.
func Fold(payment string, entries []Entry) (State, []Record) {
	s := NewState(payment)
	records := make([]Record, len(entries))
	for i, en := range entries {
		records[i] = Record{Entry: en, Verdict: s.Apply(en)}
	}
	return s, records
}
