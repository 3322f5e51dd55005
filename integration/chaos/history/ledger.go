package history

import (
	"fmt"
	"math/bits"
	"sync"

	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

// A Ledger remembers of every callback whether it was posted and whether it was acknowledged: a bit each. Its methods
// may be called at the same time.
type Ledger struct {
	book *script.Book

	mu    sync.Mutex
	lines []line // by payment
}

// line has a bit for each event of a payment.
type line struct{ posted, acked uint8 }

// NewLedger returns an empty ledger for the payments of b.
func NewLedger(b *script.Book) *Ledger { return &Ledger{book: b} }

// Posted notes that a callback is about to be posted.
func (l *Ledger) Posted(payment uint64, event int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line(payment).posted |= 1 << event
}

// Acked notes that a callback was acknowledged.
func (l *Ledger) Acked(payment uint64, event int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line(payment).acked |= 1 << event
}

// line returns the payment's line. l.mu is held.
func (l *Ledger) line(payment uint64) *line {
	if n := int(payment) + 1; n > len(l.lines) {
		l.lines = append(l.lines, make([]line, n-len(l.lines))...)
	}
	return &l.lines[payment]
}

// Counts returns how many callbacks were posted and acknowledged, each once however often it was posted.
func (l *Ledger) Counts() (posted, acked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.lines {
		posted += bits.OnesCount8(n.posted)
		acked += bits.OnesCount8(n.acked)
	}
	return posted, acked
}

// An Audit reads the whole log of one node. It is for one goroutine.
type Audit struct {
	ledger *Ledger
	node   int
	last   relay.Position
	count  int
	found  Findings
	pages  []page // by payment
}

// page is what the log has about a payment.
type page struct {
	seen    uint8
	order   uint32 // the events in the order of the log, four bits each from 1
	outcome Outcome
}

// Audit begins to read a node's log. Payments that are begun later are not known to it.
func (l *Ledger) Audit(node int) *Audit {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &Audit{ledger: l, node: node, pages: make([]page, len(l.lines))}
	for i := range a.pages {
		a.pages[i].outcome = Begin
	}
	return a
}

func (a *Audit) add(k Kind, payment, format string, args ...any) {
	a.found.Add(Violation{k, payment, fmt.Sprintf("node %d: ", a.node) + fmt.Sprintf(format, args...)})
}

// Take takes the next event of the log.
func (a *Audit) Take(it Item) {
	a.count++
	if it.Position.Epoch != a.last.Epoch && !a.last.IsZero() || it.Position.Compare(a.last) <= 0 {
		a.add(Diverging, it.Payment, "the log has %s at %s behind %s", it.ID, it.Position, a.last)
	}
	a.last = it.Position
	p, i, ok := a.ledger.book.Find(it.ID)
	if !ok || int(p.Number) >= len(a.pages) || it.Payment != p.ID || it.Status != p.Events[i].Status ||
		it.Amount != p.Events[i].Amount || !a.ledger.posted(p.Number, i) {
		a.add(Forged, it.Payment, "the log has %s (%s %s), which was not posted", it.ID, it.Status, it.Amount)
		return
	}
	page := &a.pages[p.Number]
	if page.seen&(1<<i) != 0 {
		a.add(Doubled, p.ID, "the log has %s twice", it.ID)
		return
	}
	page.seen |= 1 << i
	page.order = page.order<<4 | uint32(i+1)
	if told := page.outcome.Take(p.Events[i], p.Registered); told != it.Applied {
		a.add(Diverging, p.ID, "%s: applied is %v, want %v", it.ID, it.Applied, told)
	}
}

func (l *Ledger) posted(payment uint64, event int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[payment].posted&(1<<event) != 0
}

// Compare ends the audits of all nodes, after which nothing was posted, and adds all that is wrong
// to found.
func (l *Ledger) Compare(audits []*Audit, found *Findings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range audits {
		for n := range a.pages {
			missing := l.lines[n].acked &^ a.pages[n].seen
			for e := range script.MaxEvents {
				if missing&(1<<e) != 0 {
					a.add(Lost, l.book.Payment(uint64(n)).ID, "%s was acknowledged and is not in the log", l.book.EventID(uint64(n), e))
				}
			}
			first := audits[0]
			if missing|l.lines[n].acked&^first.pages[n].seen == 0 && a.pages[n].order != first.pages[n].order {
				a.add(Diverging, l.book.Payment(uint64(n)).ID, "the log has its events in the order %x, that of node %d %x",
					a.pages[n].order, first.node, first.pages[n].order)
			}
		}
		found.Merge(&a.found)
	}
}
