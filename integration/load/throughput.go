//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
)

// throughput is measurement 3: callbacks in a closed loop, each with one waiter.
func (b *bench) throughput(ctx context.Context) error {
	job := generator.Job{
		Mode: generator.Throughput, Waiters: b.waiters, Ramp: 2 * ramp, Senders: senders, Warmup: b.warmup, Window: b.window,
	}
	var entries []entry
	for _, t := range b.servers.streams() {
		entries = append(entries, entry{name: t.Name, target: t, job: job})
	}
	bare := job
	bare.Waiters, bare.Topics = 0, b.waiters
	entries = append(entries, entry{name: b.servers.bare.Name, target: b.servers.bare, job: bare})
	for _, n := range []int{b.waiters / 10, b.most} {
		e := entry{name: named(b.servers.sse.Name, n), target: b.servers.sse, job: job}
		e.job.Waiters = n
		entries = append(entries, e)
	}
	all, err := b.measure(ctx, 3, b.rounds, entries)
	if err != nil {
		return err
	}
	b.throughputRows(all)
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "3. Callbacks, closed loop",
		Note: fmt.Sprintf("%d senders, each of which posts its next callback when the last one was answered; %s payments with one "+
			"waiter each unless the name says otherwise, net/http without waiters. Told are callbacks that were answered and "+
			"delivered within the window; CPU is the server's for each of them.", senders, report.Count(float64(b.waiters))),
		Head: []string{"", "told a second", "CPU each", "answer p50", "answer p99", "delivery p99", "server CPU", "generator CPU", "lost"},
		Rows: all.table(func(s *series) []string {
			return []string{
				report.Count(s.median(told)), report.Micros(s.time(cost)),
				report.Micros(s.time(func(r *generator.Result) time.Duration { return r.Callbacks.Answer.P50 })),
				report.Micros(s.time(func(r *generator.Result) time.Duration { return r.Callbacks.Answer.P99 })),
				report.Micros(s.time(func(r *generator.Result) time.Duration { return r.Callbacks.Delivery.P99 })),
				percent(s, func(r *generator.Result) time.Duration { return r.Callbacks.CPU }),
				percent(s, func(r *generator.Result) time.Duration { return r.Callbacks.OwnCPU }),
				fmt.Sprint(s.sum(lost)),
			}
		}),
	})
	return nil
}

// told returns the callbacks told a second.
func told(r *generator.Result) float64 {
	return float64(r.Callbacks.Told) / r.Callbacks.Window.Seconds()
}

// cost returns the server's CPU for each callback told.
func cost(r *generator.Result) time.Duration {
	return r.Callbacks.CPU / time.Duration(max(r.Callbacks.Told, 1))
}

// lost returns what was acknowledged and not delivered.
func lost(r *generator.Result) int { return r.Callbacks.Lost }

// percent shows a share of the window.
func percent(s *series, f func(*generator.Result) time.Duration) string {
	return fmt.Sprintf("%.0f %%", 100*s.median(func(r *generator.Result) float64 {
		return f(r).Seconds() / r.Callbacks.Window.Seconds()
	}))
}

func (b *bench) throughputRows(all results) {
	show := func(s *series) string { return report.Count(s.median(told)) + "/s" }
	for _, way := range []string{"SSE", "WebSocket"} {
		s, peer := all.find("Tillbell "+way), all.find("Nchan "+way)
		names := []string{"Nchan " + way}
		if way == "SSE" {
			names = append(names, b.servers.naive.Name, b.servers.bare.Name)
		}
		b.row(3, "callbacks with one waiter each, "+way, "≥ Nchan; aim 1.2 ×", s, func() (string, report.Verdict) {
			if !peer.ok() {
				return show(s), report.Unmeasured
			}
			ratio := s.median(told) / peer.median(told)
			return fmt.Sprintf("%s, %.2f × Nchan", show(s), ratio) + losses(s), report.Of(ratio >= 1 && s.sum(lost) == 0)
		}, all.others(show, names...))
	}
	s := all.find(b.servers.sse.Name)
	cpu := func(s *series) string { return report.Micros(s.time(cost)) }
	b.row(3, "CPU of a callback told, with "+report.Count(float64(b.waiters))+" payments", "stated; flat with their number", s,
		func() (string, report.Verdict) {
			measured := cpu(s)
			for _, n := range []int{b.waiters / 10, b.most} {
				if s := all.find(named(b.servers.sse.Name, n)); s.ok() {
					measured += fmt.Sprintf("; %s with %s", cpu(s), report.Count(float64(n)))
				}
			}
			return measured, report.Stated
		}, all.others(cpu, "Nchan SSE", b.servers.naive.Name, b.servers.bare.Name))
}

// losses says how many callbacks were lost, if any.
func losses(s *series) string {
	if n := s.sum(lost); n > 0 {
		return fmt.Sprintf(", %d lost", n)
	}
	return ""
}
