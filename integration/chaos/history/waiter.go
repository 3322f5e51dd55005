package history

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tillbell/tillbell/relay"
)

// waiter judges what one client was told over all its connections.
func (c *checker) waiter(i int, w *Waiter) {
	for n := range w.Conns {
		conn := &w.Conns[n]
		c.conn(fmt.Sprintf("waiter %d, connection %d (%s, node %d)", i, n, conn.Transport, conn.Node), conn)
	}
	if !w.Done() && c.outcomeBefore(len(c.told)) {
		c.add(Untold, "waiter %d, who came at %v, was not told the outcome over %d connections: %s; the log is %v",
			i, w.Start, len(w.Conns), w.ways(), c.log)
	}
}

// conn judges one connection: behind its cursor each applied event, once, in the order of the log and without a gap. A
// node that has not heard of the cursor yet takes it for none, and tells everything.
func (c *checker) conn(who string, conn *Conn) {
	next := c.behind(conn.Cursor)
	if i := slices.IndexFunc(conn.Frames, func(f Frame) bool { return f.Event != nil }); i >= 0 && next > 0 &&
		conn.Frames[i].Event.ID == c.log[c.told[0]].ID {
		c.add(Behind, "%s did not know the cursor %s", who, conn.Cursor)
		next = 0
	}
	told := make(map[string]bool)
	ended := false
	for _, f := range conn.Frames {
		if ended {
			c.add(Diverging, "%s was told more after the end", who)
			return
		}
		switch {
		case f.State != nil:
			c.seen(who, f.State, c.upTo(f.State.Position))
		case f.Event != nil:
			if !c.tell(who, f.Event, told, &next) {
				return
			}
		default:
			ended = true
			if f.End == "done" && !c.outcomeBefore(next) {
				c.add(Diverging, "%s ended without an outcome", who)
			}
		}
	}
}

// tell judges one event of a connection. It is false if nothing can be said about what follows.
func (c *checker) tell(who string, t *Told, told map[string]bool, next *int) bool {
	switch {
	case c.event(t) < 0:
		c.add(Forged, "%s was told %s (%s), which was not posted", who, t.ID, t.Status)
	case told[t.ID]:
		c.add(Doubled, "%s was told %s twice", who, t.ID)
	case *next >= len(c.told) || c.log[c.told[*next]].ID != t.ID:
		want := "nothing"
		if *next < len(c.told) {
			want = c.log[c.told[*next]].ID
		}
		c.add(Diverging, "%s was told %s (%s) where the log has %s", who, t.ID, t.Status, want)
		return false
	case !t.Position.IsZero() && t.Position != c.log[c.told[*next]].Position:
		c.add(Diverging, "%s was told %s at %s, which is at %s", who, t.ID, t.Position, c.log[c.told[*next]].Position)
	default:
		*next++
	}
	told[t.ID] = true
	return true
}

// behind returns the first of what waiters are told behind the cursor.
func (c *checker) behind(cursor relay.Position) int {
	for i, n := range c.told {
		if at := c.log[n].Position; at.Epoch != cursor.Epoch || at.Compare(cursor) > 0 {
			return i
		}
	}
	return len(c.told)
}

// upTo returns how many events the log has up to the position.
func (c *checker) upTo(at relay.Position) int {
	for n := range c.log {
		if c.log[n].Position.Compare(at) > 0 {
			return n
		}
	}
	return len(c.log)
}

// outcomeBefore reports whether one of the first n events that waiters are told is final.
func (c *checker) outcomeBefore(n int) bool {
	for _, at := range c.told[:n] {
		if i := c.event(&c.log[at].Told); i >= 0 && c.p.Events[i].Final() {
			return true
		}
	}
	return false
}

// ways says how the connections went, but for those of which there are very many.
func (w *Waiter) ways() string {
	var b strings.Builder
	for i := range w.Conns {
		c := &w.Conns[i]
		if n := len(w.Conns); i > 2 && i < n-3 {
			continue
		}
		fmt.Fprintf(&b, "[%s at node %d behind %q:", c.Transport, c.Node, c.Cursor)
		for _, f := range c.Frames {
			switch {
			case f.State != nil:
				fmt.Fprintf(&b, " state %s %s at %v", f.State.Status, f.State.Position, f.At)
			case f.Event != nil:
				fmt.Fprintf(&b, " event %s %s at %v", f.Event.Status, f.Event.Position, f.At)
			default:
				fmt.Fprintf(&b, " end %s at %v", f.End, f.At)
			}
		}
		b.WriteString("] ")
	}
	return b.String()
}
