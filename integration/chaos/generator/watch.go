package generator

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/script"
)

// perPayment is how many clients wait for one payment: one that is there before the first callback, one that comes while
// it is posted, and one that comes when all is over.
const perPayment = 3

// reserve takes the slots of one payment's waiters. It is false if there are too many waiters.
func (g *Generator) reserve() bool {
	for n := range perPayment {
		select {
		case g.slots <- struct{}{}:
		default:
			g.free(n)
			return false
		}
	}
	return true
}

func (g *Generator) free(n int) {
	for range n {
		<-g.slots
	}
}

// watch lets one payment happen with everything around it, and has it judged.
func (g *Generator) watch(ctx context.Context, s script.Payment) {
	g.watched.Add(1)
	p := &history.Payment{Payment: s, Waiters: make([]history.Waiter, perPayment), Nodes: len(g.doors)}
	var around sync.WaitGroup
	come := func(i int) {
		around.Go(func() { defer g.free(1); p.Waiters[i] = g.wait(ctx, &p.Payment) })
	}
	come(0)
	linger(ctx)
	if p.Registered != "" && !g.register(ctx, &p.Payment) {
		around.Wait()
		g.free(perPayment - 1)
		return
	}
	reading, enough := context.WithCancel(ctx)
	around.Go(func() { p.Reads = g.glance(reading, &p.Payment) })
	come(1)
	for _, round := range rounds(&p.Payment) {
		p.Posts = append(p.Posts, g.play(ctx, &p.Payment, round)...)
	}
	enough()
	linger(ctx)
	come(2)
	around.Wait()
	g.last(ctx, p)
	g.judge(p)
}

// linger gives the clients some time, now and then.
func linger(ctx context.Context) {
	if rand.N(2) == 0 {
		sleep(ctx, rand.N(time.Second))
	}
}

// glance reads the payment at any node while its callbacks are posted.
func (g *Generator) glance(ctx context.Context, p *script.Payment) []history.Read {
	var mu sync.Mutex
	var reads []history.Read
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 4 {
				if !sleep(ctx, rand.N(20*time.Millisecond)) {
					return
				}
				if r, ok := g.read(ctx, p, g.pick()); ok {
					mu.Lock()
					reads = append(reads, r)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return reads
}

// last reads the payment at every node, at each until it has what was acknowledged or ctx is done. What it tells before
// is a snapshot like any other.
func (g *Generator) last(ctx context.Context, p *history.Payment) {
	reading := context.WithoutCancel(ctx) // each node is asked once in any case
	for node := range g.doors {
		var latest *history.Read
		for try := 0; ; try++ {
			if r, ok := g.read(reading, &p.Payment, node); ok {
				if latest != nil {
					p.Reads = append(p.Reads, *latest)
				}
				latest = &r
				if whole(g.book, p, &r) {
					break
				}
			}
			if !sleep(ctx, min(time.Duration(try+1)*20*time.Millisecond, time.Second)) {
				break
			}
		}
		if latest != nil {
			p.Last = append(p.Last, *latest)
		}
	}
}

// whole reports whether the snapshot has every acknowledged event.
func whole(b *script.Book, p *history.Payment, r *history.Read) bool {
	return !slices.ContainsFunc(p.Posts, func(a history.Post) bool {
		id := p.Source + ":" + b.EventID(p.Number, a.Event)
		return a.Acked && !slices.ContainsFunc(r.Items, func(it history.Item) bool { return it.ID == id })
	})
}

// judge has package history judge a payment, and forgets it.
func (g *Generator) judge(p *history.Payment) {
	found := history.Check(g.book, p)
	g.found.Add(found...)
	g.checked.Add(1)
	for i := range p.Waiters {
		g.delay(p, &p.Waiters[i])
	}
	if !p.Contested || len(found) > 0 {
		return
	}
	switch ok, known := history.Linearizable(g.book, p); {
	case !known:
		g.undecided.Add(1)
	case ok:
		g.ordered.Add(1)
	default:
		g.found.Add(history.Violation{Kind: history.Diverging, Payment: p.ID, What: "there is no order that explains all snapshots"})
	}
}

// delays are the longest times that waiters waited for what was acknowledged. Its methods may be called at the same time.
type delays struct {
	mu           sync.Mutex
	told, healed time.Duration
}

func (d *delays) read() (told, healed time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told, d.healed
}

// delay notes how long a waiter waited for the outcome: from the acknowledgement, or from when it came (back) by itself.
func (g *Generator) delay(p *history.Payment, w *history.Waiter) {
	for _, c := range w.Conns {
		for _, f := range c.Frames {
			if f.Event == nil {
				continue
			}
			_, event, ok := g.book.Find(f.Event.ID)
			if !ok || !p.Events[event].Final() {
				continue
			}
			from := w.Ready
			for _, a := range p.Posts {
				if a.Event == event && a.Acked {
					from = max(from, a.End)
					break
				}
			}
			g.delays.mu.Lock()
			g.delays.told = max(g.delays.told, f.At-from)
			g.delays.healed = max(g.delays.healed, f.At-max(from, g.opts.Faults(from, f.At)))
			g.delays.mu.Unlock()
			return
		}
	}
}
