package history

import (
	"slices"
	"testing"

	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

// TestHonest finds nothing where there is nothing, in all plots.
func TestHonest(t *testing.T) {
	b := testBook(t)
	for n := range uint64(300) {
		p := honest(b, b.Payment(n))
		if found := Check(b, p); len(found) > 0 {
			t.Fatalf("%+v: %s", p.Payment, describe(found))
		}
		if ok, known := Linearizable(b, p); !ok || !known {
			t.Fatalf("%+v: linearizable %v, known %v", p.Payment, ok, known)
		}
	}
}

// TestViolations breaks an honest history in every way there is and sees it found.
func TestViolations(t *testing.T) {
	b := testBook(t)
	paid, closed := relay.Paid, relay.Closed
	forged := func(p *Payment) *Told {
		f := p.Last[0].Items[0].Told
		f.Status = relay.Refunded
		return &f
	}
	for _, c := range []struct {
		name string
		want Kind
		do   func(p *Payment)
	}{
		{"an acknowledged event is gone on all nodes", Lost, func(p *Payment) {
			for i := range p.Last {
				p.Last[i].Items = p.Last[i].Items[:1]
				p.Last[i].Conflict = false
			}
			p.Reads = p.Reads[:1]
		}},
		{"an acknowledged event is gone on one node", Lost, func(p *Payment) {
			p.Last[1].Items = p.Last[1].Items[:1]
		}},
		{"a node has another order", Diverging, func(p *Payment) { slices.Reverse(p.Last[1].Items) }},
		{"a node has other positions", Diverging, func(p *Payment) { p.Last[1].Items[1].Position.Seq++ }},
		{"a node does not tell", Diverging, func(p *Payment) { p.Last = p.Last[:1] }},
		{"the second outcome is applied", Diverging, func(p *Payment) {
			for i := range p.Last {
				p.Last[i].Items[0].Applied, p.Last[i].Items[1].Applied = false, true
				p.Last[i].Status = closed
			}
		}},
		{"no conflict is shown", Diverging, func(p *Payment) { p.Last[0].Conflict, p.Last[1].Conflict = false, false }},
		{"an amount that nobody paid", Diverging, func(p *Payment) { p.Last[0].Amount = "99.00" }},
		{"an event is stored twice", Doubled, func(p *Payment) {
			for i := range p.Last {
				again := p.Last[i].Items[1]
				again.Position.Seq++
				p.Last[i].Items = append(p.Last[i].Items, again)
			}
		}},
		{"an event is stored that nobody posted", Forged, func(p *Payment) {
			p.Posts = slices.DeleteFunc(p.Posts, func(a Post) bool { return a.Event == 1 })
		}},
		{"a snapshot has what is gone later", Diverging, func(p *Payment) {
			more := p.Reads[1]
			more.Items = append(slices.Clone(more.Items), more.Items[0])
			p.Reads = append(p.Reads, more)
		}},
		{"a snapshot tells another status than its events", Diverging, func(p *Payment) { p.Reads[0].Status = relay.Pending }},
		{"a snapshot lacks what the same node acknowledged", Stale, func(p *Payment) {
			old := p.Reads[0]
			old.Start, old.End, old.Node = 900, 910, 0
			p.Reads = append(p.Reads, old) // node 0 acknowledged the second event
		}},
		{"a snapshot lacks what another node acknowledged", Behind, func(p *Payment) {
			old := p.Reads[0]
			old.Start, old.End, old.Node = 900, 910, 1
			p.Reads = append(p.Reads, old)
		}},
		{"a waiter is told twice", Doubled, func(p *Payment) {
			f := &p.Waiters[0].Conns[0].Frames
			*f = slices.Insert(*f, 2, (*f)[1])
		}},
		{"a waiter is told what nobody posted", Forged, func(p *Payment) {
			f := p.Waiters[0].Conns[0].Frames
			f[1].Event = forged(p)
		}},
		{"a waiter is told of another payment", Forged, func(p *Payment) {
			f := p.Waiters[0].Conns[0].Frames
			other := *f[1].Event
			other.Payment = "order-of-another"
			f[1].Event = &other
		}},
		{"a waiter is told the other outcome", Diverging, func(p *Payment) {
			p.Waiters[2].Conns[0].Frames[1].Event = &p.Last[0].Items[1].Told
		}},
		{"a node does not know a cursor", Behind, func(p *Payment) {
			c := &p.Waiters[1].Conns[1]
			c.Cursor = p.Last[0].Items[1].Position
		}},
		{"a node goes back behind a cursor and leaves something out", Diverging, func(p *Payment) {
			c := &p.Waiters[1].Conns[1]
			c.Cursor = p.Last[0].Items[1].Position
			c.Frames[0].Event = &p.Last[0].Items[1].Told
		}},
		{"a waiter is told at another position", Diverging, func(p *Payment) {
			moved := p.Last[0].Items[0].Told
			moved.Position.Seq++
			p.Waiters[2].Conns[0].Frames[1].Event = &moved
		}},
		{"a wait ends without an outcome", Diverging, func(p *Payment) {
			f := &p.Waiters[0].Conns[0].Frames
			*f = slices.Delete(*f, 1, 2)
		}},
		{"a waiter is told more after the end", Diverging, func(p *Payment) {
			f := &p.Waiters[0].Conns[0].Frames
			*f = append(*f, (*f)[1])
		}},
		{"a waiter is told a state that is not the log's", Diverging, func(p *Payment) {
			wrong := p.Last[0].Seen
			wrong.Status = closed
			p.Waiters[2].Conns[0].Frames[0].State = &wrong
		}},
		{"a waiter is never told", Untold, func(p *Payment) {
			p.Waiters[1].Conns = p.Waiters[1].Conns[:1]
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := honest(b, find(t, b, true, paid, closed))
			c.do(p)
			found := Check(b, p)
			if kinds := kindsOf(found); !slices.Contains(kinds, c.want) || c.want == Behind && len(kinds) > 1 {
				t.Errorf("%s; want one that is %s", describe(found), c.want)
			}
		})
	}
}

// TestGap has a waiter miss the first of two events that it should be told.
func TestGap(t *testing.T) {
	b := testBook(t)
	p := honest(b, find(t, b, false, relay.Pending, relay.Paid))
	f := &p.Waiters[0].Conns[0].Frames
	*f = slices.Delete(*f, 1, 2)
	if found := Check(b, p); !slices.Equal(kindsOf(found), []Kind{Diverging}) {
		t.Error(describe(found))
	}
}

// TestOpen says nothing about what was never acknowledged, whether it is stored or not.
func TestOpen(t *testing.T) {
	b := testBook(t)
	for _, stored := range []bool{true, false} {
		p := honest(b, find(t, b, false, relay.Paid))
		for i := range p.Posts {
			p.Posts[i].Acked = false
		}
		if !stored {
			empty := Read{Seen: Seen{Status: relay.Pending}, Start: 1000, End: 1010}
			p.Last, p.Reads, p.Waiters = []Read{empty, empty}, nil, []Waiter{{}}
			p.Last[1].Node = 1
		}
		if found := Check(b, p); len(found) > 0 {
			t.Errorf("stored %v: %s", stored, describe(found))
		}
		if ok, _ := Linearizable(b, p); !ok {
			t.Errorf("stored %v: no order", stored)
		}
	}
}

// TestLinearizable has snapshots that no order explains, each of which is fine on its own.
func TestLinearizable(t *testing.T) {
	b := testBook(t)
	contested := func() *Payment { return honest(b, find(t, b, true, relay.Paid, relay.Closed)) }
	back := contested()
	old := back.Reads[0]
	old.Start, old.End = 900, 910
	back.Reads = append(back.Reads, old)
	split := contested()
	slices.Reverse(split.Last[1].Items)
	early := contested()
	early.Reads[1].Start, early.Reads[1].End = 5, 6 // before anything was posted
	unknown := contested()
	unknown.Posts = slices.DeleteFunc(unknown.Posts, func(a Post) bool { return a.Event == 1 })
	for name, p := range map[string]*Payment{"a snapshot goes back": back, "two nodes, two orders": split,
		"a snapshot from the future": early, "an event that nobody posted": unknown} {
		if ok, known := Linearizable(b, p); ok || !known {
			t.Errorf("%s: ok %v, known %v", name, ok, known)
		}
	}
}

// TestFold holds this package's rules against relay's own fold, over all plots and all orders of arrival.
func TestFold(t *testing.T) {
	b := testBook(t)
	for n := range uint64(400) {
		p := b.Payment(n)
		permutations(len(p.Events), func(order []int) { sameFold(t, b, &p, order) })
	}
}

func sameFold(t *testing.T, b *script.Book, p *script.Payment, order []int) {
	t.Helper()
	s, o := relay.NewState(p.ID), Begin
	seq := uint64(1)
	if p.Registered != "" {
		s.Apply(relay.Entry{Position: relay.Position{Epoch: "e", Seq: seq}, Event: relay.Event{Payment: p.ID, Status: relay.Registered,
			Amount: p.Registered, Currency: script.Currency}})
	}
	for _, i := range order {
		e := p.Events[i]
		seq++
		v := s.Apply(relay.Entry{Position: relay.Position{Epoch: "e", Seq: seq}, Event: relay.Event{ID: p.Source + ":" + b.EventID(p.Number, i),
			Source: p.Source, Payment: p.ID, Status: e.Status, Final: e.Final(), Time: b.Time(e), Amount: e.Amount, Currency: script.Currency}})
		told := o.Take(e, p.Registered)
		if told != (len(v.Told) > 0) || s.Status != o.Status || s.Final != o.Final || s.Conflict != o.Conflict ||
			o.Paid != "" && s.Amount != o.Paid {
			t.Fatalf("%+v in the order %v, at %d: relay has %s %v %v %s (told %v), the rules here %+v (told %v)", p.Events, order, i,
				s.Status, s.Final, s.Conflict, s.Amount, len(v.Told) > 0, o, told)
		}
	}
}

// permutations calls f with each order of n things.
func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var rec func(int)
	rec = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			rec(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	rec(0)
}
