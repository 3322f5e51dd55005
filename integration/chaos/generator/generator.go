// Package generator is everybody around the servers of a run: providers that post signed callbacks until they are
// acknowledged, a merchant that registers payments and reads snapshots, and clients that wait, go away and come back. It
// records what they did and were told, and has package history judge it.
//
// All payments follow a script.Book. One in Options.Watch is watched: it has waiters and readers, and everything about it
// is recorded. Of the others the ledger remembers what was posted and what was acknowledged. The memory of a run is
// bounded by what is under way, apart from the ledger's two bytes for a payment.
package generator

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/ticket"
)

// Options of a Generator. Addresses, Book, Signers, Tickets and APIKey must be set.
type Options struct {
	// Addresses are the nodes' public listeners, host:port.
	Addresses []string
	Book      *script.Book
	// Signers sign callbacks, by source.
	Signers map[string]callback.Signer
	// Tickets mint the waiters' tickets.
	Tickets *ticket.Keys
	APIKey  string
	// InFlight is how many callbacks are under way. 0 is 64.
	InFlight int
	// Rate bounds the callbacks a second, repetitions left out. 0 is no bound.
	Rate float64
	// Watch is one in how many payments is watched. 0 is 10.
	Watch int
	// Waiters is how many clients wait at the same time. 0 is 200.
	Waiters int
	// Faults tells when the last fault in a stretch of time ended, the start of the stretch if there was none.
	Faults func(from, to time.Duration) time.Duration
	// Start is the zero of all recorded times.
	Start time.Time
}

// A Generator makes the load of one run. Run it once.
type Generator struct {
	opts    Options
	book    *script.Book
	signers map[string]callback.Signer
	doors   []*door
	ledger  *history.Ledger
	found   *history.Findings

	attempts atomic.Int64
	next     atomic.Uint64 // payment
	outage   outage
	pace     pace
	slots    chan struct{} // one for each waiter
	delays   delays

	watched, checked, ordered, undecided atomic.Int64
}

// New returns a Generator that adds violations to found.
func New(o Options, found *history.Findings) *Generator {
	o.InFlight, o.Watch, o.Waiters = cmp.Or(o.InFlight, 64), cmp.Or(o.Watch, 10), cmp.Or(o.Waiters, 200)
	g := &Generator{opts: o, book: o.Book, signers: o.Signers, ledger: history.NewLedger(o.Book), found: found,
		slots: make(chan struct{}, o.Waiters), pace: pace{rate: o.Rate}}
	for _, address := range o.Addresses {
		g.doors = append(g.doors, &door{address: address})
	}
	return g
}

// now returns the time of this moment since the start.
func (g *Generator) now() time.Duration { return time.Since(g.opts.Start) }

// Run begins payments until stop is done, and ends those that were begun: until each callback is acknowledged, each
// waiter told and each watched payment checked, or ctx is done, when what is missing counts as never told.
func (g *Generator) Run(ctx context.Context, stop <-chan struct{}) {
	var all sync.WaitGroup
	for range g.opts.InFlight {
		all.Go(func() { g.work(ctx, stop, &all) })
	}
	all.Wait()
	for _, d := range g.doors {
		d.close()
	}
}

// work posts the callbacks of one payment after the other. Watched ones go on by themselves.
func (g *Generator) work(ctx context.Context, stop <-chan struct{}, all *sync.WaitGroup) {
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		p := g.book.Payment(g.next.Add(1) - 1)
		if !g.pace.wait(ctx, len(p.Events), stop) {
			return
		}
		if p.Number%uint64(g.opts.Watch) == 0 && g.reserve() {
			all.Go(func() { g.watch(ctx, p) })
			continue
		}
		if p.Registered != "" && !g.register(ctx, &p) {
			continue
		}
		for _, round := range rounds(&p) {
			g.play(ctx, &p, round)
		}
	}
}

// play delivers the callbacks of a round at the same time.
func (g *Generator) play(ctx context.Context, p *script.Payment, round []int) []history.Post {
	if len(round) == 1 {
		return g.deliver(ctx, p, round[0])
	}
	var mu sync.Mutex
	var posts []history.Post
	var wg sync.WaitGroup
	for _, event := range round {
		wg.Go(func() {
			some := g.deliver(ctx, p, event)
			mu.Lock()
			defer mu.Unlock()
			posts = append(posts, some...)
		})
	}
	wg.Wait()
	return posts
}

// Figures are what a run comes to.
type Figures struct {
	Posted, Acked int           // callbacks, each once
	Attempts      int           // to post them
	Watched       int           // payments
	Ordered       int           // payments that porcupine found an order for
	Undecided     int           // payments that porcupine could not decide in time
	Provider      time.Duration // longest time without an acknowledgement
	Waiter        time.Duration // longest time from an acknowledgement to its telling
	WaiterHealed  time.Duration // the same, from the end of the fault if that is later
}

// Figures returns what the run has come to.
func (g *Generator) Figures() Figures {
	f := Figures{Attempts: int(g.attempts.Load()), Watched: int(g.checked.Load()), Ordered: int(g.ordered.Load()),
		Undecided: int(g.undecided.Load()), Provider: g.outage.read(g.now())}
	f.Posted, f.Acked = g.ledger.Counts()
	f.Waiter, f.WaiterHealed = g.delays.read()
	return f
}

// Progress returns how many callbacks were posted and acknowledged, on one line.
func (g *Generator) Progress() string {
	f := g.Figures()
	return fmt.Sprintf("%d of %d callbacks acknowledged, %d payments checked of %d watched", f.Acked, f.Posted, f.Watched,
		g.watched.Load())
}

// pace spreads callbacks over time. Its method may be called at the same time.
type pace struct {
	rate float64 // a second; 0 is no bound

	mu   sync.Mutex
	next time.Time
}

// wait waits until n callbacks may be posted. It is false if the run is over before.
func (p *pace) wait(ctx context.Context, n int, stop <-chan struct{}) bool {
	if p.rate <= 0 {
		return true
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	due := p.next
	p.next = p.next.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	p.mu.Unlock()
	t := time.NewTimer(due.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
	case <-ctx.Done():
	}
	return false
}
