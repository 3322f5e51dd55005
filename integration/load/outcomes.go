//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
)

// The bounds of measurement 2.
const (
	million    = 1_000_000
	maxMillion = 1536 << 20 // bytes of RSS
	maxSlower  = 1.5        // p50 of many in parts of that with few
)

// outcomes is measurement 2: many waiters in one process, half over each transport, each told its own outcome.
func (b *bench) outcomes(ctx context.Context) error {
	many := b.many
	if many == 0 {
		many = b.most
	}
	job := b.open(generator.Outcomes, many, rate)
	job.Ramp, job.Settle = 2*ramp, b.settle
	few := job
	few.Waiters, few.Settle = min(b.waiters, many), min(time.Second, b.settle)
	name := b.servers.both.Name
	all, err := b.measure(ctx, 2, 1, []entry{
		{name: named(name, few.Waiters), target: b.servers.both, job: few},
		{name: named(name, many), target: b.servers.both, job: job},
	})
	if err != nil {
		return err
	}
	b.outcomeRows(all[0], all[1])
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "2. Many waiters in one process, each told its own outcome",
		Note: fmt.Sprintf("Half over SSE, half over WebSocket. Latency is that of %d callbacks a second that end no wait. Then each "+
			"waiter's payment is paid, in a closed loop; done are those whose wait was ended for it.", rate),
		Head: []string{"", "wait", "RSS", "RSS each", "CPU to connect one", "p50", "p99", "told", "done", "told within", "CPU each"},
		Rows: all.table(func(s *series) []string {
			r := s.runs[0]
			return []string{
				report.Count(float64(r.Connections.Established)), report.MiB(float64(r.Memory.After.RSS)), report.KiB(rss(r)),
				report.Micros(r.Connections.CPU / time.Duration(max(r.Connections.Established, 1))),
				report.Micros(p50(r)), report.Micros(p99(r)), report.Count(float64(r.Outcomes.Told)),
				report.Count(float64(r.Outcomes.Ended)), fmt.Sprintf("%.2f s", r.Outcomes.Time.Seconds()),
				report.Micros(r.Outcomes.CPU / time.Duration(max(r.Outcomes.Told, 1))),
			}
		}),
	})
	return nil
}

func (b *bench) outcomeRows(few, many *series) {
	count := report.Count(float64(many.job.Waiters))
	b.row(2, count+" waiters in one process, server RSS", "≤ 1.5 GiB for 1 000 000", many, func() (string, report.Verdict) {
		r := many.runs[0]
		whole := report.MiB(float64(r.Memory.After.RSS)) + lacking(r.Connections)
		if many.job.Waiters < million {
			each := rss(r)
			return fmt.Sprintf("%s; %s each, which makes %s for a million (computed)", whole, report.KiB(each),
				report.MiB(float64(r.Memory.Before.RSS)+each*million)), report.Stated
		}
		return whole, report.Of(r.Memory.After.RSS < maxMillion && r.Connections.Established == many.job.Waiters)
	}, "")
	b.row(2, count+" waiters, each told its own outcome", "all", many, func() (string, report.Verdict) {
		o := many.runs[0].Outcomes
		return fmt.Sprintf("%s told, %s done", report.Count(float64(o.Told)), report.Count(float64(o.Ended))),
			report.Of(o.Told == many.job.Waiters && o.Ended == o.Told)
	}, "")
	b.row(2, fmt.Sprintf("latency p50 at %d/s with %s waiting", rate, count), "≤ 1.5 × that with 10 000", many,
		func() (string, report.Verdict) {
			if !few.ok() {
				return report.Micros(many.time(p50)), report.Unmeasured
			}
			ratio := float64(many.time(p50)) / float64(max(few.time(p50), 1))
			return fmt.Sprintf("%s, %.2f × %s with %s", report.Micros(many.time(p50)), ratio, report.Micros(few.time(p50)),
				report.Count(float64(few.job.Waiters))), report.Of(ratio <= maxSlower)
		}, "")
}
