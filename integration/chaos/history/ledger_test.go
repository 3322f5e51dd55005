package history

import (
	"slices"
	"testing"

	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

// posted returns a ledger of n payments whose callbacks were all acknowledged, and their log.
func posted(b *script.Book, n uint64) (*Ledger, []Item) {
	l := NewLedger(b)
	var log []Item
	for number := range n {
		p := b.Payment(number)
		o := Begin
		for i, e := range p.Events {
			l.Posted(number, i)
			l.Acked(number, i)
			log = append(log, Item{Told: Told{ID: p.Source + ":" + b.EventID(number, i), Payment: p.ID, Status: e.Status, Amount: e.Amount,
				Position: relay.Position{Epoch: "e", Seq: uint64(len(log) + 1)}}, Applied: o.Take(e, p.Registered)})
		}
	}
	return l, log
}

func TestLedger(t *testing.T) {
	b := testBook(t)
	const payments = 200
	contested := find(t, b, true, relay.Paid, relay.Closed)
	for _, c := range []struct {
		name string
		want []Kind
		do   func(l *Ledger, log []Item) []Item // to the log of the second node
	}{
		{"all there", nil, func(_ *Ledger, log []Item) []Item { return log }},
		{"an acknowledged event is missing", []Kind{Lost}, func(_ *Ledger, log []Item) []Item {
			last := slices.IndexFunc(log, func(it Item) bool { return it.Payment == b.Payment(17).ID })
			n := len(b.Payment(17).Events)
			return slices.Delete(log, last+n-1, last+n)
		}},
		{"an event that nobody acknowledged is missing", nil, func(l *Ledger, log []Item) []Item {
			l.Posted(payments, 0)
			return log
		}},
		{"an event twice", []Kind{Doubled}, func(_ *Ledger, log []Item) []Item {
			again := log[5]
			again.Position.Seq = 100_000
			return append(log, again)
		}},
		{"an event that nobody posted", []Kind{Forged}, func(_ *Ledger, log []Item) []Item {
			p := b.Payment(payments + 5)
			return append(log, Item{Told: Told{ID: p.Source + ":" + b.EventID(p.Number, 0), Payment: p.ID, Status: p.Events[0].Status,
				Amount: p.Events[0].Amount, Position: relay.Position{Epoch: "e", Seq: 100_000}}, Applied: true})
		}},
		{"another amount than posted", []Kind{Lost, Forged}, func(_ *Ledger, log []Item) []Item {
			log[0].Amount = "99.00"
			return log
		}},
		{"positions go back", []Kind{Diverging}, func(_ *Ledger, log []Item) []Item {
			log[9].Position.Seq = 3
			return log
		}},
		{"another order, by which another outcome", []Kind{Diverging}, func(_ *Ledger, log []Item) []Item {
			i := slices.IndexFunc(log, func(it Item) bool { return it.Payment == contested.ID })
			x, y := log[i], log[i+1]
			x.Position, y.Position = y.Position, x.Position
			log[i], log[i+1] = y, x
			log[i].Applied, log[i+1].Applied = true, false
			return log
		}},
		{"an outcome that the log does not give", []Kind{Diverging}, func(_ *Ledger, log []Item) []Item {
			log[3].Applied = !log[3].Applied
			return log
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, log := posted(b, max(payments, contested.Number+1))
			other := c.do(l, slices.Clone(log))
			first, second := l.Audit(0), l.Audit(1)
			for _, it := range log {
				first.Take(it)
			}
			for _, it := range other {
				second.Take(it)
			}
			var found Findings
			l.Compare([]*Audit{first, second}, &found)
			if got := kindsOf(found.First()); !slices.Equal(got, c.want) {
				t.Errorf("%s; want %v", describe(found.First()), c.want)
			}
			if found.Broken() != (c.want != nil) {
				t.Errorf("broken is %v", found.Broken())
			}
		})
	}
}

func TestFindings(t *testing.T) {
	var f, g Findings
	for range 3 * keep {
		f.Add(Violation{Kind: Behind})
		g.Add(Violation{Kind: Lost})
	}
	if f.Broken() || !g.Broken() {
		t.Errorf("broken: %v, %v; what is behind breaks nothing", f.Broken(), g.Broken())
	}
	f.Merge(&g)
	if f.Count(Lost) != 3*keep || f.Count(Behind) != 3*keep || len(f.First()) != 2*keep || !f.Broken() {
		t.Errorf("%d lost, %d behind, %d kept", f.Count(Lost), f.Count(Behind), len(f.First()))
	}
}
