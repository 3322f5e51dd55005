package client

import (
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// wait is what one call of Await knows of its payment. Its methods are for that call's goroutine alone.
type wait struct {
	opts   Options
	cursor string
	seen   map[string]struct{} // ids of the events that were told

	kept  wire.Snapshot
	shown wire.Snapshot // what OnState was called with last, without its position
	// told says that the server has told anything, exact that kept is its word and was not carried on by events.
	told, exact bool
}

func newWait(o Options, payment string) *wait {
	return &wait{
		opts:   o,
		cursor: follow("", o.After),
		seen:   make(map[string]struct{}),
		kept:   wire.Snapshot{Payment: payment, Status: relay.Pending},
	}
}

func (w *wait) outcome(code string) Outcome {
	return Outcome{Status: w.kept.Status, Final: w.kept.Final, Snapshot: w.kept, Code: code}
}

// take takes what a connection told.
func (w *wait) take(n news) {
	switch {
	case n.event != nil:
		w.event(n.position, *n.event)
	case n.state != nil:
		w.state(*n.state)
		w.cursor = follow(w.cursor, n.position)
	}
}

// answer takes what was read.
func (w *wait) answer(p wire.Poll) {
	for _, e := range p.Events {
		w.event("", e)
	}
	w.state(p.State)
	w.cursor = follow(w.cursor, p.Position)
}

// state takes a snapshot, unless another node that is behind has told an older one.
func (w *wait) state(s wire.Snapshot) {
	if w.told && behind(s.Position, w.kept.Position) {
		return
	}
	w.kept, w.told, w.exact = s, true, true
	w.show()
}

// show tells what is kept if it says something else than before. A position alone is nothing to tell.
func (w *wait) show() {
	s := w.kept
	s.Position = ""
	if s != w.shown && w.opts.OnState != nil {
		w.opts.OnState(w.kept)
	}
	w.shown = s
}

// event takes an event, which lies at the position unless that is empty.
func (w *wait) event(position string, e wire.Event) {
	if _, again := w.seen[e.ID]; !again {
		w.seen[e.ID] = struct{}{}
		if w.opts.OnEvent != nil {
			w.opts.OnEvent(e)
		}
		if position != "" && (!w.told || behind(w.kept.Position, position)) {
			w.carryOn(position, e)
			w.show()
		}
	}
	w.cursor = follow(w.cursor, position)
}

// carryOn brings what is kept to where the event leads, as far as the event alone says it.
func (w *wait) carryOn(position string, e wire.Event) {
	k := &w.kept
	w.told, w.exact = true, false
	k.Status, k.Final, k.UpdatedAt, k.Position = e.Data.Status, e.Data.Final, e.Time, position
	switch e.Data.Status {
	case relay.RefundFailed:
		k.Status = relay.Paid
	case relay.Refunded:
	default:
		if e.Data.Amount != "" {
			k.Amount, k.Currency = e.Data.Amount, e.Data.Currency
		}
	}
}

// behind reports whether position p lies before q in the same log. None lies before every other.
func behind(p, q string) bool {
	if p == "" {
		return q != ""
	}
	a, err1 := relay.ParsePosition(p)
	b, err2 := relay.ParsePosition(q)
	return err1 == nil && err2 == nil && a.Epoch == b.Epoch && a.Compare(b) < 0
}
