package relay

import "sync"

// memo keeps the States of payments with several entries, so that publishing to one does not fold all of its log again.
// It is no truth of its own: a State stands for exactly the entries that it was folded from. A payment's log grows at
// its end and expires at its beginning, so if the last of them is still where it was, so are all.
type memo struct {
	mu     sync.Mutex
	states map[string]*folded
}

// folded is the State of the first entries of a payment's log.
type folded struct {
	mu      sync.Mutex
	state   State
	entries int
	last    Position // of the last of them
}

// Logs of fewer entries than several are folded sooner than they are looked up. At most memoSize others are kept: some
// 16 MB, and refunds and what waits for a registration on top.
const (
	several  = 4
	memoSize = 16 << 10
)

// of returns what is kept of the payment, possibly nothing.
func (m *memo) of(payment string) *folded {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.states[payment]
	if f != nil {
		return f
	}
	if m.states == nil {
		m.states = make(map[string]*folded)
	}
	if len(m.states) == memoSize {
		for other := range m.states { // any one
			delete(m.states, other)
			break
		}
	}
	f = new(folded)
	m.states[payment] = f
	return f
}

// begins reports whether log begins with the entries that f was folded from, all of which lie before the place. Its
// caller has the lock.
func (f *folded) begins(log []Entry, place Position) bool {
	return f.entries != 0 && f.entries < len(log) && f.last == log[f.entries-1].Position && f.last.Compare(place) < 0
}

// judge fills in what the payment's log says about the entry at receipt.Position, which has the event id.
func (m *memo) judge(receipt *Receipt, log []Entry, payment, id string) {
	if len(log) < several {
		s := NewState(payment)
		receipt.judge(&s, log, id)
		return
	}
	f := m.of(payment)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begins(log, receipt.Position) {
		f.state, f.entries = NewState(payment), 0
	}
	deciding, paid := f.state.deciding, f.state.payment
	receipt.judge(&f.state, log[f.entries:], id)
	f.state.own(deciding, paid)
	f.entries, f.last = len(log), log[len(log)-1].Position
}

// own makes copies of the events that the State has begun to point to: they lie in the log that was read, all of which
// would stay as long as the State. What it pointed to before is its own.
func (s *State) own(deciding, payment *Event) {
	if s.payment != payment && s.payment != &nothing {
		e := *s.payment
		if s.deciding == s.payment {
			s.deciding = &e
		}
		s.payment = &e
	}
	if s.deciding != deciding && s.deciding != s.payment && s.deciding != &nothing {
		e := *s.deciding
		s.deciding = &e
	}
}

// verdicts are those that nobody needs any more: what they hold is room for the next.
var verdicts = sync.Pool{New: func() any { return new(Verdict) }}

// judge folds the entries into s and notes what they say about the one at r.Position, which has the event id.
func (r *Receipt) judge(s *State, entries []Entry, id string) {
	v := verdicts.Get().(*Verdict)
	defer verdicts.Put(v)
	for i := range entries {
		s.fold(&entries[i], v)
		if entries[i].Position == r.Position {
			r.Held, r.Conflict = v.Held, v.Conflict
		}
		for j := range v.Told { // where it stands, or where its registration released it
			r.Applied = r.Applied || v.Told[j].Event.ID == id
		}
	}
	r.Held = r.Held && !s.registered
}
