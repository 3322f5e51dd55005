//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
)

// The bounds of measurement 6.
const (
	maxConnect = 60 * time.Microsecond
	maxStorm   = 2 * time.Second
	maxAnswer  = 50 * time.Millisecond
)

// comeback is measurement 6: everybody is cut at once and comes back at once.
func (b *bench) comeback(ctx context.Context) error {
	job := b.open(generator.Comeback, b.most, 2*besides) // there is little time to see some
	job.Steady = steady
	job.Waiters -= steady
	var entries []entry
	for _, t := range b.servers.streams() {
		entries = append(entries, entry{name: t.Name, target: t, job: job})
	}
	all, err := b.measure(ctx, 6, b.rounds, entries)
	if err != nil {
		return err
	}
	b.comebackRows(all)
	pick := func(s *series, f func(*generator.Result) time.Duration) string { return report.Micros(s.time(f)) }
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "6. Coming back",
		Note: fmt.Sprintf("%s waiters are reset and connect again as fast as the server lets them, 512 at a time; %d more stay. %d callbacks a second, "+
			"half of them for those who stayed. CPU is all of the server's between the first reset and the last wait that has begun "+
			"again, hang-ups and callbacks included. Lost are callbacks acknowledged in that time whose waiter was told nothing. A "+
			"server that keeps nothing loses them by design.", report.Count(float64(job.Waiters)), steady, 2*besides),
		Head: []string{"", "back", "within", "CPU", "CPU each", "tried again", "lost", "answer p50", "answer p99", "delivery p99 of those who stayed"},
		Rows: all.table(func(s *series) []string {
			return []string{
				report.Count(s.median(func(r *generator.Result) float64 { return float64(r.Return.Back) })), pick(s, returnTime),
				pick(s, returnCPU), pick(s, connectCPU), fmt.Sprint(s.sum(func(r *generator.Result) int { return r.Return.Retries })),
				fmt.Sprint(s.sum(missed)), pick(s, func(r *generator.Result) time.Duration { return r.Return.Answer.P50 }),
				pick(s, answer99), pick(s, p99),
			}
		}),
	})
	return nil
}

func returnTime(r *generator.Result) time.Duration { return r.Return.Time }
func returnCPU(r *generator.Result) time.Duration  { return r.Return.CPU }
func connectCPU(r *generator.Result) time.Duration {
	return r.Return.CPU / time.Duration(max(r.Return.Back, 1))
}
func answer99(r *generator.Result) time.Duration { return r.Return.Answer.P99 }
func missed(r *generator.Result) int             { return r.Return.Lost + r.Callbacks.Lost }
func absent(r *generator.Result) int {
	return r.Connections.Requested - steady - r.Return.Back
}

func (b *bench) comebackRows(all results) {
	for _, way := range []string{"SSE", "WebSocket"} {
		s := all.find("Tillbell " + way)
		names := []string{"Nchan " + way}
		if way == "SSE" {
			names = append(names, b.servers.naive.Name)
		}
		row := func(what, target string, show func(*series) string, met func() bool) {
			b.row(6, what+", "+way, target, s, func() (string, report.Verdict) { return show(s), report.Of(met()) },
				all.others(show, names...))
		}
		count := report.Count(float64(b.most))
		row("CPU to connect one of "+count+" who come back at once", "≤ 60 µs",
			func(s *series) string { return report.Micros(s.time(connectCPU)) },
			func() bool { return s.time(connectCPU) <= maxConnect })
		row("all "+count+" waiting again, CPU", "≤ 2 s of one core",
			func(s *series) string {
				return fmt.Sprintf("%.2f s (%.2f s by the clock)", s.time(returnCPU).Seconds(), s.time(returnTime).Seconds())
			}, func() bool { return s.time(returnCPU) <= maxStorm && s.sum(absent) == 0 })
		row("waiters or callbacks lost on the way", "0",
			func(s *series) string { return fmt.Sprintf("%d and %d", s.sum(absent), s.sum(missed)) },
			func() bool { return s.sum(absent)+s.sum(missed) == 0 })
		row("callbacks answered meanwhile, p99", "< 50 ms",
			func(s *series) string { return report.Micros(s.time(answer99)) },
			func() bool { return s.time(answer99) < maxAnswer })
	}
}
