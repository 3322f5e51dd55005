//go:build linux

package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/report"
	"github.com/tillbell/tillbell/integration/load/target"
)

const us = time.Microsecond

// testBench returns a bench whose results are given.
func testBench() *bench {
	k := target.NewKeys()
	b := &bench{size: full, keys: k, serverCore: -1, loadCore: -1}
	b.servers.sse, b.servers.ws, b.servers.both = target.Tillbell("tillbell", k)
	b.servers.naive, b.servers.bolt, b.servers.bare = target.Yardsticks("yardstick", k)
	return b
}

// ran is a series with these results.
func ran(name string, runs ...*generator.Result) *series {
	plain, _, _ := strings.Cut(name, ", ")
	return &series{entry: entry{name: name, target: &target.Target{Name: plain}}, runs: runs}
}

// verdicts fails the test unless the rows have these verdicts, in order.
func verdicts(t *testing.T, b *bench, want ...report.Verdict) {
	t.Helper()
	for i, row := range b.report.Rows {
		if i < len(want) && row.Verdict != want[i] {
			t.Errorf("%s: %s, %s (%s), want %s", row.What, row.Measured, row.Verdict, row.Peers, want[i])
		}
	}
	if len(b.report.Rows) != len(want) {
		t.Errorf("%d rows, want %d", len(b.report.Rows), len(want))
	}
	b.report.Rows = nil
}

// calls is a result of n callbacks told in a second, with one percentile for all.
func calls(n int, p time.Duration, lost int) *generator.Result {
	d := generator.Distribution{N: n, P50: p, P90: p, P99: p, Max: p}
	return &generator.Result{Callbacks: &generator.Callbacks{
		Due: n, Answered: n, Told: n, Lost: lost, Window: time.Second, CPU: time.Second / 2, Answer: d, Delivery: d,
	}}
}

func TestThroughputRows(t *testing.T) {
	b := testBench()
	all := results{
		ran("Tillbell SSE", calls(90, us, 0), calls(101, us, 0), calls(300, us, 0)), ran("Nchan SSE", calls(100, us, 0)),
		ran("Tillbell WebSocket", calls(99, us, 0)), ran("Nchan WebSocket", calls(100, us, 0)),
	}
	b.throughputRows(all)
	if m := b.report.Rows[0].Measured; m != "101/s, 1.01 × Nchan" {
		t.Errorf("measured %s", m)
	}
	verdicts(t, b, report.Met, report.Missed, report.Stated)
	all[0].runs[1].Callbacks.Lost = 1
	b.throughputRows(all)
	verdicts(t, b, report.Missed, report.Missed, report.Stated)
	b.throughputRows(all[:1])
	if p := b.report.Rows[0].Peers; !strings.HasPrefix(p, "Nchan SSE: not installed; ") {
		t.Errorf("peers: %s", p)
	}
	verdicts(t, b, report.Unmeasured, report.Unmeasured, report.Stated)
}

func TestEngineRows(t *testing.T) {
	b := testBench()
	rows := func(disk, lost int) {
		b.engineRows(results{
			ran("Tillbell, memory", calls(20_000, us, 0)), ran("Tillbell, disk", calls(disk, us, lost)),
			ran("net/http and bbolt", calls(1000, us, 0)),
			ran("Tillbell, nats-embedded, one node", calls(1, us, 0)), ran("Tillbell, nats-embedded, three nodes", calls(1, us, 0)),
		})
	}
	rows(10_000, 0)
	if m := b.report.Rows[1].Measured; m != "10 000/s, 10.0 ×" {
		t.Errorf("measured %s", m)
	}
	verdicts(t, b, report.Met, report.Stated, report.Stated, report.Stated)
	rows(9_999, 0)
	verdicts(t, b, report.Missed, report.Stated, report.Stated, report.Stated)
	rows(10_000, 1)
	verdicts(t, b, report.Missed, report.Stated, report.Stated, report.Stated)
}

func TestLatencyRows(t *testing.T) {
	b := testBench()
	b.latencyRows(results{
		ran("Tillbell SSE", calls(1, 70*us, 0)), ran("Nchan SSE", calls(1, 70*us, 0)),
		ran("Tillbell WebSocket", calls(1, 71*us, 0)), ran("Nchan WebSocket", calls(1, 70*us, 0)),
	})
	verdicts(t, b, report.Met, report.Met, report.Missed, report.Missed)
	failed := ran("Tillbell SSE")
	failed.err = errors.New("it ended")
	b.latencyRows(results{failed})
	if m := b.report.Rows[0].Measured; m != "it ended" {
		t.Errorf("measured %s", m)
	}
	verdicts(t, b, report.Unmeasured, report.Unmeasured, report.Unmeasured, report.Unmeasured)
}

func TestIdleRows(t *testing.T) {
	b := testBench()
	b.most, b.spread = b.waiters, 0
	waits := func(bytes int64, missing int) *generator.Result {
		return &generator.Result{
			Connections: generator.Connections{Requested: 1000 + missing, Established: 1000},
			Memory:      &generator.Memory{Before: proc.Memory{RSS: 1 << 20}, After: proc.Memory{RSS: 1<<20 + 1000*bytes}},
		}
	}
	tls := ran("Tillbell SSE over TLS, 10 000", waits(9999, 0))
	all := results{ran("Tillbell SSE, 10 000", waits(1024, 0)), ran("Tillbell WebSocket, 10 000", waits(2049, 0)), tls}
	b.idleRows(all)
	verdicts(t, b, report.Met, report.Missed, report.Met, report.Missed, report.Stated)
	all[0].runs[0], all[2].runs[0] = waits(1, 1), waits(1, 1) // one could not wait
	b.idleRows(all)
	verdicts(t, b, report.Missed, report.Missed, report.Missed, report.Missed, report.Missed)
}

func TestFanoutRows(t *testing.T) {
	b := testBench()
	fan := func(last, quiet, p99 time.Duration, lost int) *generator.Result {
		r := calls(10, p99, 0)
		r.Quiet = calls(10, quiet, 0).Callbacks
		r.Fanout = &generator.Fan{Last: generator.Distribution{P50: last}, Lost: lost}
		return r
	}
	b.fanoutRows(results{
		ran("Tillbell SSE", fan(100, 50, 100, 0)), ran("Nchan SSE", fan(100, 1, 1, 0)),
		ran("Tillbell WebSocket", fan(99, 50, 101, 1)), ran("Nchan WebSocket", fan(100, 1, 1, 0)),
	})
	verdicts(t, b, report.Met, report.Met, report.Missed, report.Missed)
}

func TestComebackRows(t *testing.T) {
	b := testBench()
	back := func(n, lost int, cpu, p99 time.Duration) *generator.Result {
		r := calls(10, p99, 0)
		r.Connections.Requested = 1000 + steady
		r.Return = &generator.Return{Back: n, Lost: lost, CPU: cpu, Answer: r.Callbacks.Answer}
		return r
	}
	b.comebackRows(results{
		ran("Tillbell SSE", back(1000, 0, 60*time.Millisecond, 49*time.Millisecond)),
		ran("Tillbell WebSocket", back(999, 1, 2001*time.Millisecond, 50*time.Millisecond)),
	})
	if m := b.report.Rows[6].Measured; m != "1 and 1" {
		t.Errorf("measured %s", m)
	}
	verdicts(t, b, report.Met, report.Met, report.Met, report.Met, report.Missed, report.Missed, report.Missed, report.Missed)
}

func TestHeartbeatRows(t *testing.T) {
	b := testBench()
	beating := func(cpu, p99 time.Duration, buckets ...int) *series {
		r := calls(10, p99, 0)
		r.Callbacks.CPU, r.Beats = cpu, &generator.Beats{Buckets: buckets}
		for _, n := range buckets {
			r.Beats.Count += n
		}
		return ran("Tillbell SSE", r)
	}
	without := beating(100*time.Millisecond, 10*us, 0, 0)
	b.heartbeatRows(b.servers.sse, beating(160*time.Millisecond, 20*us, 4000, 6000), without)
	for i, want := range []string{"6.0 µs", "1.20 ×", "20.0 µs (without 10.0 µs)", "50 000 heartbeats a second, 0.30 cores"} {
		if m := b.report.Rows[i].Measured; m != want {
			t.Errorf("measured %s, want %s", m, want)
		}
	}
	verdicts(t, b, report.Met, report.Met, report.Met, report.Stated)
	b.heartbeatRows(b.servers.sse, beating(161*time.Millisecond, 21*us, 0, 10000, 0), without)
	verdicts(t, b, report.Missed, report.Missed, report.Missed, report.Stated)
	b.heartbeatRows(b.servers.sse, without, without)
	verdicts(t, b, report.Unmeasured, report.Unmeasured, report.Unmeasured, report.Unmeasured)
}

func TestOutcomeRows(t *testing.T) {
	b := testBench()
	told := func(n, waiters int, p50 time.Duration, rss int64) *series {
		r := calls(10, p50, 0)
		r.Connections = generator.Connections{Requested: waiters, Established: waiters}
		r.Memory = &generator.Memory{Before: proc.Memory{RSS: 1 << 20}, After: proc.Memory{RSS: rss}}
		r.Outcomes = &generator.Told{Told: n, Ended: n}
		s := ran("Tillbell", r)
		s.job.Waiters = waiters
		return s
	}
	few := told(10, 10, 100*us, 1<<21)
	b.outcomeRows(few, told(1000, 1000, 150*us, 3<<20))
	if m := b.report.Rows[0].Measured; m != "3.0 MiB; 2.05 KiB each, which makes 2001.0 MiB for a million (computed)" {
		t.Errorf("measured %s", m)
	}
	verdicts(t, b, report.Stated, report.Met, report.Met)
	b.outcomeRows(few, told(million-1, million, 151*us, maxMillion))
	verdicts(t, b, report.Missed, report.Missed, report.Missed)
	b.outcomeRows(few, told(million, million, 100*us, maxMillion-1))
	verdicts(t, b, report.Met, report.Met, report.Met)
}

func TestColdRows(t *testing.T) {
	b := testBench()
	s := &starts{target: b.servers.sse, cold: []time.Duration{maxCold, maxCold, time.Hour}, rss: []float64{maxStart}, binary: maxBinary}
	b.coldRows(s, nil)
	verdicts(t, b, report.Met, report.Met, report.Met)
	slow := &starts{target: b.servers.sse, cold: []time.Duration{maxCold + 1}, rss: []float64{maxStart + 1}, binary: maxBinary + 1}
	b.coldRows(slow, []*starts{s})
	verdicts(t, b, report.Missed, report.Missed, report.Missed)
	b.coldRows(&starts{target: b.servers.sse, err: errors.New("it ended")}, nil)
	verdicts(t, b, report.Unmeasured, report.Unmeasured, report.Unmeasured)
}
