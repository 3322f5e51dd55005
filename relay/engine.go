package relay

import "context"

// Entry is one event at its place in the log. Event.Time is always set.
type Entry struct {
	Position Position
	Event    Event
}

// Engine is the ordered, expiring log that events are appended to. What it must hold is written as tests in
// relay/engine/enginetest; what those do not hold is not promised. All methods may be called at the same time.
type Engine interface {
	// Append stores e behind everything stored before, as durably as the engine promises, and returns its entry.
	// If the payment's retained log has an entry with e's ID already, nothing is stored, and that entry is returned
	// with stored false. After an error the event may or may not be stored; appending it again is safe.
	// An Event whose Time is zero gets the time of the append, which increases along its payment's log.
	Append(ctx context.Context, e Event) (entry Entry, stored bool, err error)

	// Read returns one payment's retained entries in log order, including every entry whose Append has returned, every
	// entry that this engine's Tail has delivered or one of its Reads or Scans has returned, and every entry up to a
	// position that its Head has returned. The caller must not change the slice.
	Read(ctx context.Context, payment string) ([]Entry, error)

	// Scan returns up to limit retained entries behind after, in log order. A zero after, one of another epoch or
	// one beyond the log's end means from the oldest. It includes what Read includes. No entry means that there is nothing behind after.
	Scan(ctx context.Context, after Position, limit int) ([]Entry, error)

	// Head returns the position of the newest entry. For an empty log it has the epoch and sequence 0.
	Head(ctx context.Context) (Position, error)

	// Tail calls deliver for each entry behind after, once and in log order, until ctx is done, and returns ctx's
	// error then, or earlier what keeps it from going on without a gap. Several Tails are independent. deliver must
	// not block for long and must not call the engine's Append.
	Tail(ctx context.Context, after Position, deliver func(Entry)) error

	// Close releases what the engine holds. Calls that are under way return, some of them with an error; nothing may be
	// called afterwards.
	Close() error
}
