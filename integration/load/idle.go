//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/harness"
	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
	"github.com/tillbell/tillbell/integration/load/target"
)

// idle is measurement 1: what a waiter costs that only waits. Memory hardly varies, so there is one round, and the
// servers settle beside each other, one after the other having been connected to.
func (b *bench) idle(ctx context.Context) error {
	entries, err := b.idleEntries()
	if err != nil {
		return err
	}
	all, err := b.together(ctx, entries)
	if err != nil {
		return err
	}
	b.idleRows(all)
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "1. Idle waits",
		Note: fmt.Sprintf("Bytes are of server memory for each waiter, %v after the last one came, beyond what the server had "+
			"when it had just started: everything is in it, the pages of its own code that it had not touched before too. CPU "+
			"to connect is that of all processes of the server, from the first connection to the last, the ticket checked; other "+
			"servers settle on the same core meanwhile, so the figure of measurement 6 is the better one.", b.settle),
		Head: []string{"", "wait", "RSS each", "anonymous each", "RSS at start", "RSS", "CPU to connect one",
			"connected a second", "CPU while idle"},
		Rows: all.table(func(s *series) []string {
			m, c := s.runs[0].Memory, s.runs[0].Connections
			n := float64(max(c.Established, 1))
			return []string{
				report.Count(float64(c.Established - c.Dropped)), report.KiB(rss(s.runs[0])),
				report.KiB(float64(m.After.Anonymous-m.Before.Anonymous) / n),
				report.MiB(float64(m.Before.RSS)), report.MiB(float64(m.After.RSS)),
				report.Micros(c.CPU / time.Duration(n)), report.Count(n / c.Time.Seconds()),
				fmt.Sprintf("%.1f %%", m.IdleCPU.Seconds()/b.settle.Seconds()*100),
			}
		}),
	})
	return nil
}

// rss returns the bytes of RSS for each waiter.
func rss(r *generator.Result) float64 {
	return float64(r.Memory.After.RSS-r.Memory.Before.RSS) / float64(max(r.Connections.Established, 1))
}

func (b *bench) idleEntries() ([]entry, error) {
	certificate, err := harness.NewCertificate(b.dir)
	if err != nil {
		return nil, err
	}
	job := generator.Job{Mode: generator.Idle, Ramp: ramp, Settle: b.settle}
	add := func(all []entry, t *target.Target, suffix string, waiters int) []entry {
		e := entry{name: named(t.Name+suffix, waiters), target: t, job: job}
		e.job.Waiters = waiters
		return append(all, e)
	}
	var all []entry
	for _, n := range []int{b.waiters, b.most} {
		for _, t := range b.servers.streams() {
			all = add(all, t, "", n)
		}
	}
	all = add(all, b.servers.sse, " over TLS", b.waiters)
	all[len(all)-1].options.Certificate = certificate
	if b.spread > 0 {
		for _, t := range b.servers.present(b.servers.sse, b.servers.ws, b.servers.nchanSSE) {
			all = add(all, t, "", b.spread)
			e := &all[len(all)-1]
			e.instances, e.job.Ramp = (b.spread+perProcess-1)/perProcess, 3*ramp
		}
	}
	return all, nil
}

// named names an entry by its target and the number of waiters.
func named(name string, waiters int) string { return name + ", " + report.Count(float64(waiters)) }

// together measures the entries with overlapping times of settling, as far as memory allows.
func (b *bench) together(ctx context.Context, entries []entry) (results, error) {
	var all results
	for _, e := range entries {
		all = append(all, &series{entry: e})
	}
	trials := make([]*trial, len(all))
	finish := func(i int) {
		began := time.Now()
		r, err := trials[i].finish()
		trials[i] = nil
		all[i].add(r, err)
		progress(1, all[i].name+", settled", began, err)
	}
	defer func() {
		for _, t := range trials {
			if t != nil {
				_ = t.end()
			}
		}
	}()
	next := 0 // to finish
	for i, s := range all {
		for m, err := thisMachine(); next < i; m, err = thisMachine() {
			if err == nil && m.check(s.job.Waiters/max(s.instances, 1)) == nil &&
				m.available > int64(s.job.Waiters)*(kernelBytes+maxProcessBytes)+reserve {
				break
			}
			if trials[next] != nil {
				finish(next)
			}
			next++
		}
		began := time.Now()
		t, err := b.begin(ctx, s.entry)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			s.add(nil, err)
		}
		trials[i] = t
		progress(1, s.name+", connected", began, err)
	}
	for i := range trials {
		if trials[i] != nil {
			finish(i)
		}
	}
	return all, ctx.Err()
}

// maxProcessBytes is what the dearest server takes for a waiter, and reserve what is left to everything else.
const (
	maxProcessBytes = 32 << 10
	reserve         = 1 << 30
)

func (b *bench) idleRows(all results) {
	show := func(s *series) string { return report.KiB(rss(s.runs[0])) }
	row := func(what, name, limit string, bytes float64, peers ...string) {
		s := all.find(name)
		b.row(1, what, limit, s, func() (string, report.Verdict) {
			c := s.runs[0].Connections
			if all := c.Established-c.Dropped == c.Requested; bytes > 0 || !all {
				return show(s) + lacking(c), report.Of(rss(s.runs[0]) <= bytes && all)
			}
			return show(s), report.Stated
		}, all.others(show, peers...))
	}
	for _, n := range []int{b.waiters, b.most, b.spread} {
		if n == 0 {
			continue
		}
		count := report.Count(float64(n))
		peers := []string{named("Nchan SSE", n)}
		if n != b.spread {
			peers = append(peers, named("net/http SSE", n))
		}
		row("idle SSE wait, server RSS, "+count, named("Tillbell SSE", n), "≤ 1 KiB", 1<<10, peers...)
		peers = []string{named("Nchan WebSocket", n)}
		if n == b.spread {
			peers = nil
		}
		row("idle WebSocket wait, server RSS, "+count, named("Tillbell WebSocket", n), "≤ 2 KiB", 2<<10, peers...)
	}
	row("idle SSE wait over TLS, server RSS", named("Tillbell SSE over TLS", b.waiters), "stated", 0)
}

// lacking says how many waiters are not there, if any.
func lacking(c generator.Connections) string {
	if n := c.Requested - c.Established + c.Dropped; n > 0 {
		return fmt.Sprintf(", %d waiters missing: %v", n, c.Reasons)
	}
	return ""
}
