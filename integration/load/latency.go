//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
)

// latency is measurement 4: callbacks in an open loop.
func (b *bench) latency(ctx context.Context) error {
	job := b.open(generator.Latency, b.waiters, rate)
	var entries []entry
	for _, t := range b.servers.streams() {
		entries = append(entries, entry{name: t.Name, target: t, job: job})
	}
	all, err := b.measure(ctx, 4, b.rounds, entries)
	if err != nil {
		return err
	}
	b.latencyRows(all)
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "4. Latency, open loop",
		Note: fmt.Sprintf("%d callbacks a second to %s payments with one waiter each, at random. From when a callback was due "+
			"until its waiter has it.", rate, report.Count(float64(b.waiters))),
		Head: []string{"", "p50", "p90", "p99", "max", "answer p50", "answer p99", "told a second", "server CPU", "lost"},
		Rows: all.table(func(s *series) []string {
			pick := func(f func(*generator.Callbacks) time.Duration) string {
				return report.Micros(s.time(func(r *generator.Result) time.Duration { return f(r.Callbacks) }))
			}
			return []string{
				pick(func(c *generator.Callbacks) time.Duration { return c.Delivery.P50 }),
				pick(func(c *generator.Callbacks) time.Duration { return c.Delivery.P90 }),
				pick(func(c *generator.Callbacks) time.Duration { return c.Delivery.P99 }),
				pick(func(c *generator.Callbacks) time.Duration { return c.Delivery.Max }),
				pick(func(c *generator.Callbacks) time.Duration { return c.Answer.P50 }),
				pick(func(c *generator.Callbacks) time.Duration { return c.Answer.P99 }),
				report.Count(s.median(told)),
				percent(s, func(r *generator.Result) time.Duration { return r.Callbacks.CPU }),
				fmt.Sprint(s.sum(lost)),
			}
		}),
	})
	return nil
}

// open returns a job with an open loop. Its generator polls without sleeping where it has a core of its own: a core
// that sleeps takes some 40 µs to wake.
func (b *bench) open(mode generator.Mode, waiters int, rate float64) generator.Job {
	return generator.Job{
		Mode: mode, Waiters: waiters, Ramp: 2 * ramp, Senders: openings, Rate: rate, Warmup: b.warmup, Window: b.window,
		Busy: b.loadCore >= 0,
	}
}

func p50(r *generator.Result) time.Duration { return r.Callbacks.Delivery.P50 }
func p99(r *generator.Result) time.Duration { return r.Callbacks.Delivery.P99 }

func (b *bench) latencyRows(all results) {
	for _, way := range []string{"SSE", "WebSocket"} {
		names := []string{"Nchan " + way}
		if way == "SSE" {
			names = append(names, b.servers.naive.Name)
		}
		for _, p := range []struct {
			name string
			of   func(*generator.Result) time.Duration
		}{{"p50", p50}, {"p99", p99}} {
			s, peer := all.find("Tillbell "+way), all.find("Nchan "+way)
			show := func(s *series) string { return report.Micros(s.time(p.of)) }
			what := fmt.Sprintf("latency %s at %d/s, %s", p.name, rate, way)
			b.row(4, what, "≤ Nchan", s, func() (string, report.Verdict) {
				if !peer.ok() {
					return show(s), report.Unmeasured
				}
				return show(s) + losses(s), report.Of(s.time(p.of) <= peer.time(p.of) && s.sum(lost) == 0)
			}, all.others(show, names...))
		}
	}
}
