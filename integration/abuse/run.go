//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tillbell/tillbell/integration/harness"
	"github.com/tillbell/tillbell/integration/load/proc"
)

// A phase is one stretch of a run.
type phase struct {
	name          string
	from          string // of the attack; empty is none
	told          *course
	calls         tally
	before, after usage
	samples       []usage // each second
}

// A bench is one run.
type bench struct {
	options
	site    *site
	core    int // of the attack, -1 if there is one core only
	phases  []*phase
	each    []cost
	lost    int
	machine []string
	seen    map[string]call // genuine once, by source
}

// cost is what an attack on one source alone comes to.
type cost struct {
	source string
	calls  int
	away   int
	cpu    time.Duration // a call
	asked  int64
	took   time.Duration
}

// run attacks a server and writes the report. It leaves nothing but the report's file.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "tillbell-abuse-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module, err := harness.Module(ctx)
	if err != nil {
		return err
	}
	program, err := harness.Build(ctx, module, ".", dir, "tillbell", o.binary)
	if err != nil {
		return err
	}
	began := time.Now()
	b := &bench{options: o, core: -1}
	server := -1
	if cores := proc.Cores(); len(cores) > 1 {
		server, b.core = cores[0], cores[1]
	}
	clock, err := proc.NewClock()
	if err != nil {
		return err
	}
	b.site, err = open(ctx, program, dir, server)
	defer b.site.close()
	if err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	b.site.close() // its time counts with this process's then
	others, err := clock.Others()
	if err != nil {
		return err
	}
	b.machine = []string{
		began.UTC().Format("2006-01-02 15:04 MST") + ", size " + o.name,
		fmt.Sprintf("%d cores, of which the server has one and the attack another; the server is built with %s",
			len(proc.Cores()), harness.Describe(ctx, module, program)),
		fmt.Sprintf("%d connections of the attack; %.0f genuine callbacks a second over all sources, each over a connection of its own", o.conns, o.rate),
		fmt.Sprintf("took %v, in which others used %.0f %% of the cores: the less, the better the figures",
			time.Since(began).Round(time.Second), others*100),
	}
	file := o.out
	if file == "" {
		file = harness.Results(module, "abuse", began, "-"+o.name)
	}
	return harness.Keep(b.report(), file)
}

// measure goes through all phases, and then attacks each source alone.
func (b *bench) measure(ctx context.Context) error {
	if err := b.see(ctx); err != nil {
		return err
	}
	for _, p := range []*phase{
		{name: "before"},
		{name: "attack from " + elsewhere, from: elsewhere},
		{name: "attack from " + everywhere, from: everywhere},
		{name: "attack from " + sameHome, from: sameHome},
		{name: "after"},
	} {
		fmt.Fprintf(os.Stderr, "%s\n", p.name)
		if err := b.do(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		b.phases = append(b.phases, p)
	}
	for _, p := range b.phases {
		n, err := b.site.lost(ctx, p.told)
		if err != nil {
			return err
		}
		b.lost += n
	}
	return b.alone(ctx)
}

// see posts the callbacks that attackers have seen, as their provider did.
func (b *bench) see(ctx context.Context) error {
	b.seen = make(map[string]call)
	for _, a := range b.site.accounts {
		if !a.pays() {
			continue
		}
		_, text, err := a.genuine(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		status, err := b.site.once(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		if status > 299 {
			return fmt.Errorf("%s: a genuine callback was answered %d", a.name, status)
		}
		b.seen[a.name] = call{text, false}
	}
	return nil
}

// do has genuine callbacks posted, and the attack beside them.
func (b *bench) do(ctx context.Context, p *phase) (err error) {
	lasts := b.quiet
	var calls map[string][]call
	if p.from != "" {
		lasts = b.attack
		calls = make(map[string][]call)
		for _, a := range b.site.accounts { // signed a moment ago, as what a stranger sends is
			if calls[a.name], err = a.calls(); err != nil {
				return err
			}
			if seen, ok := b.seen[a.name]; ok {
				calls[a.name] = append(calls[a.name], seen)
			}
		}
	}
	if p.before, err = b.site.usage(); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	told, sampled := make(chan *course, 1), make(chan []usage, 1)
	go func() { told <- b.site.post(timed, b.rate) }()
	go func() { sampled <- b.sample(timed) }()
	if p.from != "" {
		p.calls, err = attack(ctx, job{Server: b.site.address, From: p.from, Conns: b.conns, Time: lasts, Calls: calls}, b.core)
	}
	p.samples, p.told = <-sampled, <-told
	if err := errors.Join(append(p.told.errs, err, ctx.Err())...); err != nil {
		return err
	}
	p.after, err = b.site.usage()
	return err
}

// sample looks at the server each second until ctx is done.
func (b *bench) sample(ctx context.Context) (all []usage) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return all
		case <-tick.C:
			if u, err := b.site.usage(); err == nil {
				all = append(all, u)
			}
		}
	}
}

// alone attacks one source after the other, with what must be refused alone.
func (b *bench) alone(ctx context.Context) error {
	for _, a := range b.site.accounts {
		calls, err := a.calls()
		if err != nil {
			return err
		}
		before, err := b.site.usage()
		if err != nil {
			return err
		}
		j := job{Server: b.site.address, From: elsewhere, Conns: b.conns, Time: b.options.each, Calls: map[string][]call{a.name: calls}}
		t, err := attack(ctx, j, b.core)
		if err != nil {
			return fmt.Errorf("%s alone: %w", a.name, err)
		}
		after, err := b.site.usage()
		if err != nil {
			return err
		}
		n := t.total("")
		b.each = append(b.each, cost{
			source: a.name, calls: n, away: t.total("", 503), cpu: (after.cpu - before.cpu) / time.Duration(max(n, 1)),
			asked: after.asked - before.asked, took: after.at.Sub(before.at),
		})
	}
	return nil
}
