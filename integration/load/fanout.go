//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
)

// unharmed is by how much a 99th percentile may grow for it to count as unharmed. It varies by half from run to run.
const unharmed = 2

// fanout is measurement 5: one payment that everybody waits for, and others beside it.
func (b *bench) fanout(ctx context.Context) error {
	job := b.open(generator.Fanout, b.waiters, besides)
	job.Steady, job.Fanouts, job.Window = steady, b.fanouts, b.window/2 // which it measures twice
	var entries []entry
	for _, t := range b.servers.streams() {
		entries = append(entries, entry{name: t.Name, target: t, job: job})
	}
	all, err := b.measure(ctx, 5, b.rounds, entries)
	if err != nil {
		return err
	}
	b.fanoutRows(all)
	pick := func(s *series, f func(*generator.Result) time.Duration) string { return report.Micros(s.time(f)) }
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "5. Fan-out",
		Note: fmt.Sprintf("One payment with %s waiters, %d callbacks for it one after the other. Then %d callbacks a second for %d "+
			"other payments with one waiter each, first alone, then beside such fan-outs; of the latter, only those due while a "+
			"fan-out was under way count.", report.Count(float64(b.waiters)), b.fanouts, besides, steady),
		Head: []string{"", "to the first", "to the last", "slowest", "CPU each", "others p50", "others p50 meanwhile", "others p99",
			"others p99 meanwhile", "lost"},
		Rows: all.table(func(s *series) []string {
			return []string{
				pick(s, func(r *generator.Result) time.Duration { return r.Fanout.First.P50 }), pick(s, toLast),
				pick(s, func(r *generator.Result) time.Duration { return r.Fanout.Last.Max }),
				pick(s, func(r *generator.Result) time.Duration { return r.Fanout.CPU }),
				pick(s, func(r *generator.Result) time.Duration { return r.Quiet.Delivery.P50 }), pick(s, p50),
				pick(s, quiet99), pick(s, p99),
				fmt.Sprint(s.sum(func(r *generator.Result) int { return r.Fanout.Lost + r.Quiet.Lost + r.Callbacks.Lost })),
			}
		}),
	})
	return nil
}

func toLast(r *generator.Result) time.Duration  { return r.Fanout.Last.P50 }
func quiet99(r *generator.Result) time.Duration { return r.Quiet.Delivery.P99 }

func (b *bench) fanoutRows(all results) {
	show := func(s *series) string { return report.Micros(s.time(toLast)) }
	both := func(s *series) string {
		return report.Micros(s.time(p99)) + " (alone " + report.Micros(s.time(quiet99)) + ")"
	}
	for _, way := range []string{"SSE", "WebSocket"} {
		s, peer := all.find("Tillbell "+way), all.find("Nchan "+way)
		names := []string{"Nchan " + way}
		if way == "SSE" {
			names = append(names, b.servers.naive.Name)
		}
		what := "fan-out to " + report.Count(float64(b.waiters)) + ", last one, " + way
		b.row(5, what, "≤ Nchan", s, func() (string, report.Verdict) {
			if !peer.ok() {
				return show(s), report.Unmeasured
			}
			missing := s.sum(func(r *generator.Result) int { return r.Fanout.Lost })
			return show(s), report.Of(s.time(toLast) <= peer.time(toLast) && missing == 0)
		}, all.others(show, names...))
		b.row(5, "other payments' p99 during a fan-out, "+way, fmt.Sprintf("unharmed: ≤ %d × that alone", unharmed), s,
			func() (string, report.Verdict) {
				return both(s), report.Of(s.time(p99) <= unharmed*s.time(quiet99))
			}, all.others(both, names...))
	}
}
