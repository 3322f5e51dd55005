package history

import (
	"math"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tillbell/tillbell/integration/chaos/script"
)

// A call is an operation on a payment as porcupine sees it: an event is posted, or read is nil no longer.
type call struct {
	event int
	read  *Read
}

// patience is how long porcupine may look for an order.
const patience = 5 * time.Second

// Linearizable reports whether there is one order of all posts and snapshots of the payment, over all nodes, in which
// each takes effect between its call and its return, a post stores its event unless it is stored already, and a snapshot
// tells exactly what was stored before it and what the rules make of that. A post that nobody acknowledged may take effect
// at any time after its call, or never. known is false if no answer was found in time.
func Linearizable(b *script.Book, p *Payment) (ok, known bool) {
	c := &checker{book: b, p: p}
	var ops []porcupine.Operation
	for e := range p.Events {
		op := porcupine.Operation{Input: call{event: e}, Call: math.MaxInt64}
		for _, a := range p.Posts {
			if a.Event == e {
				op.Call = min(op.Call, int64(a.Start))
			}
		}
		if op.Call == math.MaxInt64 {
			continue // never posted
		}
		op.Return = math.MaxInt64
		if at, _ := c.acked(e, -1); at >= 0 {
			op.Return = int64(at)
		}
		ops = append(ops, op)
	}
	for _, reads := range [][]Read{p.Reads, p.Last} {
		for i := range reads {
			r := &reads[i]
			ops = append(ops, porcupine.Operation{Input: call{read: r}, Call: int64(r.Start), Return: int64(r.End)})
		}
	}
	for i := range ops {
		ops[i].ClientId = i
	}
	switch porcupine.CheckOperationsTimeout(c.model(), ops, patience) {
	case porcupine.Ok:
		return true, true
	case porcupine.Illegal:
		return false, true
	}
	return false, false
}

// model is one payment whose state is its log: a letter for each event.
func (c *checker) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, _ any) (bool, any) {
			log, in := state.(string), input.(call)
			if in.read != nil {
				return c.tells(in.read, log), log
			}
			if letter := string(rune('a' + in.event)); !strings.Contains(log, letter) {
				log += letter
			}
			return true, log
		},
	}
}

// tells reports whether the snapshot is that of the log.
func (c *checker) tells(r *Read, log string) bool {
	if len(r.Items) != len(log) {
		return false
	}
	o := Begin
	for n := range log {
		i := int(log[n] - 'a')
		if c.event(&r.Items[n].Told) != i || o.Take(c.p.Events[i], c.p.Registered) != r.Items[n].Applied {
			return false
		}
	}
	return r.Status == o.Status && r.Final == o.Final && r.Conflict == o.Conflict
}
