package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/script"
)

// Check judges what happened about one payment. It needs Payment.Last.
func Check(b *script.Book, p *Payment) []Violation {
	c := &checker{book: b, p: p}
	if len(p.Last) < p.Nodes || p.Nodes == 0 {
		c.add(Diverging, "%d of %d nodes tell the state", len(p.Last), p.Nodes)
		return c.found
	}
	c.log = p.Last[0].Items
	c.fold()
	c.last()
	for i := range p.Reads {
		c.read(&p.Reads[i])
	}
	for i := range p.Waiters {
		c.waiter(i, &p.Waiters[i])
	}
	return c.found
}

type checker struct {
	book  *script.Book
	p     *Payment
	log   []Item    // of the first node
	after []Outcome // of the log's first n events
	told  []int     // indices in log of what waiters are told
	found []Violation
}

func (c *checker) add(k Kind, format string, args ...any) {
	c.found = append(c.found, Violation{k, c.p.ID, fmt.Sprintf(format, args...)})
}

// event returns the index of the callback that an event comes from, -1 if there is none.
func (c *checker) event(t *Told) int {
	p, i, ok := c.book.Find(t.ID)
	switch {
	case !ok || p.Number != c.p.Number || t.Payment != c.p.ID,
		t.Status != p.Events[i].Status || t.Amount != p.Events[i].Amount,
		!slices.ContainsFunc(c.p.Posts, func(a Post) bool { return a.Event == i }):
		return -1
	}
	return i
}

// fold folds the log by the rules as they are written down here.
func (c *checker) fold() {
	o := Begin
	c.after = []Outcome{o}
	seen := make(map[int]bool)
	for n := range c.log {
		it := &c.log[n]
		i := c.event(&it.Told)
		switch {
		case i < 0:
			c.add(Forged, "the log has %s, which was not posted", it.ID)
		case seen[i]:
			c.add(Doubled, "%s is in the log twice", it.ID)
		case n > 0 && it.Position.Compare(c.log[n-1].Position) <= 0:
			c.add(Diverging, "%s is at %s, behind %s", it.ID, it.Position, c.log[n-1].Position)
		default:
			if told := o.Take(c.p.Events[i], c.p.Registered); told != it.Applied {
				c.add(Diverging, "%s: applied is %v, want %v", it.ID, it.Applied, told)
			}
			if it.Applied {
				c.told = append(c.told, n)
			}
		}
		seen[i] = true
		c.after = append(c.after, o)
	}
}

// last judges the snapshots of all nodes after everything.
func (c *checker) last() {
	for i := range c.p.Last {
		r := &c.p.Last[i]
		for e := range c.p.Events {
			if at, _ := c.acked(e, -1); at >= 0 && !c.has(r.Items, e) {
				c.add(Lost, "node %d does not have %s, acknowledged at %v", r.Node, c.book.EventID(c.p.Number, e), at)
			}
		}
		if i > 0 && !slices.Equal(r.Items, c.log) {
			c.add(Diverging, "node %d has %v, node %d has %v", r.Node, r.Items, c.p.Last[0].Node, c.log)
			continue
		}
		c.seen(fmt.Sprintf("node %d at last", r.Node), &r.Seen, len(r.Items))
	}
}

func (c *checker) has(items []Item, event int) bool {
	return slices.ContainsFunc(items, func(it Item) bool { return c.event(&it.Told) == event })
}

// acked returns when the event was acknowledged first, by the node or by any for -1; at is -1 if it was not.
func (c *checker) acked(event, node int) (at time.Duration, by int) {
	at = -1
	for _, a := range c.p.Posts {
		if a.Event == event && a.Acked && (node < 0 || a.Node == node) && (at < 0 || a.End < at) {
			at, by = a.End, a.Node
		}
	}
	return at, by
}

// seen judges a state after the first n events of the log.
func (c *checker) seen(who string, s *Seen, n int) {
	want := c.after[min(n, len(c.after)-1)]
	if s.Status != want.Status || s.Final != want.Final || s.Conflict != want.Conflict ||
		want.Paid != "" && s.Amount != want.Paid {
		c.add(Diverging, "%s tells %s (final %v, conflict %v, amount %q), want %s (%v, %v, %q)", who,
			s.Status, s.Final, s.Conflict, s.Amount, want.Status, want.Final, want.Conflict, want.Paid)
	}
}

// read judges a snapshot that was taken meanwhile: the beginning of the log, with all that was acknowledged before.
func (c *checker) read(r *Read) {
	if n := len(r.Items); n > len(c.log) || !slices.Equal(r.Items, c.log[:n]) {
		c.add(Diverging, "node %d told %v at %v, and in the end %v", r.Node, r.Items, r.End, c.log)
		return
	}
	c.seen(fmt.Sprintf("node %d at %v", r.Node, r.End), &r.Seen, len(r.Items))
	for e := range c.p.Events {
		if c.has(r.Items, e) {
			continue
		}
		id := c.book.EventID(c.p.Number, e)
		if at, _ := c.acked(e, r.Node); at >= 0 && at < r.Start {
			c.add(Stale, "node %d acknowledged %s at %v and did not have it at %v", r.Node, id, at, r.Start)
		} else if at, by := c.acked(e, -1); at >= 0 && at < r.Start {
			c.add(Behind, "node %d acknowledged %s at %v and node %d did not have it at %v", by, id, at, r.Node, r.Start)
		}
	}
}
