// Package history holds what was done to servers and what they answered, and judges it.
//
// Two judgements complement each other. [Check] has everything about one payment: each attempt to post a callback, each
// snapshot, each frame of each connection of each waiter. It is for a part of the payments, as many as there are waiters
// for, and forgets a payment when it is done. A [Ledger] has two bytes for every payment of the run, and holds them at
// the end against the whole log of every node: there no acknowledged callback may be missing, nothing may be there that
// was not posted, and what every event did must be the same everywhere and what the rules say. In addition [Linearizable]
// asks porcupine about payments whose callbacks contradict each other.
//
// Times are since the start of the run, by a clock that nobody can set.
package history

import (
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

// Payment is all that happened about one payment.
type Payment struct {
	script.Payment
	Posts   []Post
	Reads   []Read
	Waiters []Waiter
	// Last are the snapshots of all Nodes after all callbacks were acknowledged and all faults healed.
	Last  []Read
	Nodes int
}

// Post is one attempt to deliver one callback.
type Post struct {
	Event, Node int
	Start, End  time.Duration
	Acked       bool
}

// Read is a snapshot as an API key gets it.
type Read struct {
	Node       int
	Start, End time.Duration
	Seen
	Items []Item
}

// Seen is what a snapshot or a state frame says.
type Seen struct {
	Position relay.Position
	Status   relay.Status
	Final    bool
	Conflict bool
	Amount   relay.Amount
}

// Item is an event at its place in the log.
type Item struct {
	Told
	Applied bool
}

// Told is an event as a server tells it.
type Told struct {
	ID       string
	Payment  string
	Position relay.Position // zero in the answer of a poll
	Status   relay.Status
	Amount   relay.Amount
}

// Waiter is one client over all its connections. Start is when it came, Ready when it came back last from an absence of
// its own choice before it was told the outcome.
type Waiter struct {
	Start time.Duration
	Ready time.Duration
	Conns []Conn
}

// Conn is one connection, or one long poll.
type Conn struct {
	Node      int
	Transport string
	Cursor    relay.Position // what the client came with
	Frames    []Frame
}

// Frame is one of a state, an event and an end.
type Frame struct {
	At    time.Duration
	State *Seen
	Event *Told
	End   string // code
}

// done reports whether a connection told that there is nothing to come back for.
func (c *Conn) done() bool {
	return len(c.Frames) > 0 && c.Frames[len(c.Frames)-1].End == "done"
}

// Done reports whether the waiter was told the outcome to its end.
func (w *Waiter) Done() bool {
	return len(w.Conns) > 0 && w.Conns[len(w.Conns)-1].done()
}

// Kind says what is wrong.
type Kind int

// The kinds of violations.
const (
	Lost      Kind = iota // an acknowledged callback is not in the state
	Doubled               // told twice on one connection, or stored twice
	Forged                // told or stored, and never posted
	Diverging             // an outcome that is not that of the log, or not the same everywhere
	Untold                // a waiter that came back was not told
	Stale                 // a snapshot lacks what the same node acknowledged before
	Refused               // a genuine callback was refused
	Crashed               // a process ended by itself
	Behind                // a node lacks what another one told before; no guarantee is broken
	kinds
)

// String returns the kind's name.
func (k Kind) String() string {
	return [kinds]string{"lost", "doubled", "forged", "diverging", "untold", "stale", "refused", "crashed", "behind"}[k]
}

// A Violation is something that must not be.
type Violation struct {
	Kind    Kind
	Payment string
	What    string
}

// String returns the violation on one line.
func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Kind, v.Payment, v.What) }
