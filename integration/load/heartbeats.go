//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
	"github.com/tillbell/tillbell/integration/load/target"
)

// The two intervals that are compared, and the default one, for which a million is computed.
const (
	often         = time.Second
	seldom        = 5 * time.Minute
	usual         = 20 * time.Second
	maxBeat       = 6 * time.Microsecond
	maxUnevenness = 2 // of the fullest tenth of a second to the mean
)

// heartbeats is measurement 7: the same load with heartbeats each second and without any.
func (b *bench) heartbeats(ctx context.Context) error {
	job := b.open(generator.Heartbeats, b.most, besides)
	job.Ramp, job.Warmup = 0, b.warmup+often
	var entries []entry
	for _, t := range []*target.Target{b.servers.sse, b.servers.ws} {
		for _, interval := range []time.Duration{often, seldom} {
			entries = append(entries, entry{
				name: beating(t, interval), target: t, job: job, options: target.Options{Heartbeat: interval},
			})
		}
	}
	all, err := b.measure(ctx, 7, b.rounds, entries)
	if err != nil {
		return err
	}
	for _, t := range []*target.Target{b.servers.sse, b.servers.ws} {
		b.heartbeatRows(t, all.find(beating(t, often)), all.find(beating(t, seldom)))
	}
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "7. Heartbeats",
		Note: fmt.Sprintf("%s waiters that came as fast as they could, %d callbacks a second. The fullest tenth of a second is in parts "+
			"of the mean.", report.Count(float64(b.most)), besides),
		Head: []string{"", "heartbeats a second", "fullest tenth", "server CPU", "p50", "p99", "lost"},
		Rows: all.table(func(s *series) []string {
			return []string{
				report.Count(s.median(beats)), fmt.Sprintf("%.2f", s.median(unevenness)),
				percent(s, func(r *generator.Result) time.Duration { return r.Callbacks.CPU }),
				report.Micros(s.time(p50)), report.Micros(s.time(p99)), fmt.Sprint(s.sum(lost)),
			}
		}),
	})
	return nil
}

func beating(t *target.Target, interval time.Duration) string {
	return fmt.Sprintf("%s, every %v", t.Name, interval)
}

// beats returns the heartbeats a second.
func beats(r *generator.Result) float64 {
	return float64(r.Beats.Count) / r.Callbacks.Window.Seconds()
}

// unevenness returns the fullest bucket in parts of the mean one, 0 without heartbeats.
func unevenness(r *generator.Result) float64 {
	if r.Beats.Count == 0 {
		return 0
	}
	return float64(slices.Max(r.Beats.Buckets)) * float64(len(r.Beats.Buckets)) / float64(r.Beats.Count)
}

// load returns the server's CPU as a share of the time.
func load(r *generator.Result) float64 {
	return r.Callbacks.CPU.Seconds() / r.Callbacks.Window.Seconds()
}

func (b *bench) heartbeatRows(t *target.Target, with, without *series) {
	s := with
	if with.ok() && !without.ok() {
		s = without
	}
	var each time.Duration
	came := s.ok() && with.median(beats) > without.median(beats)
	if came { // seldom is not never: some may have come without
		more := with.median(beats) - without.median(beats)
		each = time.Duration((with.median(load) - without.median(load)) / more * float64(time.Second))
	}
	row := func(what, limit string, measured func() (string, report.Verdict)) {
		b.row(7, what+", "+t.Name, limit, s, func() (string, report.Verdict) {
			if !came {
				return "no heartbeats came", report.Unmeasured
			}
			return measured()
		}, "")
	}
	row("CPU of a heartbeat", "≤ 6 µs", func() (string, report.Verdict) {
		return report.Micros(each), report.Of(each <= maxBeat)
	})
	row("fullest tenth of a second of heartbeats", fmt.Sprintf("spread evenly: ≤ %d × the mean", maxUnevenness),
		func() (string, report.Verdict) {
			uneven := with.median(unevenness)
			return fmt.Sprintf("%.2f ×", uneven), report.Of(uneven <= maxUnevenness)
		})
	row("callbacks' p99 with heartbeats", fmt.Sprintf("unharmed: ≤ %d × that without", unharmed),
		func() (string, report.Verdict) {
			return report.Micros(with.time(p99)) + " (without " + report.Micros(without.time(p99)) + ")",
				report.Of(with.time(p99) <= unharmed*without.time(p99))
		})
	row("a million waiters at the default interval of 20 s", "computed, stated", func() (string, report.Verdict) {
		return fmt.Sprintf("50 000 heartbeats a second, %.2f cores", each.Seconds()*1e6/usual.Seconds()), report.Stated
	})
}
