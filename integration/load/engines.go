//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/report"
	"github.com/tillbell/tillbell/integration/load/target"
)

// The entries of measurement 9.
const (
	inMemory   = "Tillbell, memory"
	onDisk     = "Tillbell, disk"
	oneNode    = "Tillbell, nats-embedded, one node"
	threeNodes = "Tillbell, nats-embedded, three nodes"
)

// What the disk engine is to reach with inFlight callbacks at a time, where a sync takes 0.2 ms or less.
const (
	inFlight  = 64
	minOnDisk = 10_000
)

// engines is measurement 9: what it costs to keep callbacks.
func (b *bench) engines(ctx context.Context) error {
	job := generator.Job{
		Mode: generator.Throughput, Waiters: b.waiters, Ramp: 2 * ramp, Senders: inFlight, Warmup: b.warmup, Window: b.window,
	}
	p50, p99, err := proc.Sync(b.dir)
	if err != nil {
		return err
	}
	tillbell := func(name string, engine target.Engine, nodes int) entry {
		return entry{name: name, target: b.servers.sse, options: target.Options{Engine: engine}, instances: nodes, job: job}
	}
	all, err := b.measure(ctx, 9, b.rounds, []entry{
		tillbell(inMemory, target.Memory, 1), tillbell(onDisk, target.Disk, 1),
		{name: b.servers.bolt.Name, target: b.servers.bolt, job: job},
		tillbell(oneNode, target.Embedded, 1), tillbell(threeNodes, target.Embedded, 3),
	})
	if err != nil {
		return err
	}
	b.engineRows(all)
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "9. Callbacks, by what keeps them",
		Note: fmt.Sprintf("%d callbacks at a time, %s payments with one waiter each, over SSE. One sync of what was written to the "+
			"file system took %s (median, p99 %s). net/http and bbolt stores each callback in a transaction of its own, as "+
			"Mercure does, and tells it then. The embedded nodes sync each write; the three share the server's core, and callbacks "+
			"go to the first, waiters to all.",
			inFlight, report.Count(float64(job.Waiters)), report.Micros(p50), report.Micros(p99)),
		Head: []string{"", "told a second", "CPU each", "answer p50", "answer p99", "delivery p99", "server CPU", "lost"},
		Rows: all.table(func(s *series) []string {
			return []string{
				report.Count(s.median(told)), report.Micros(s.time(cost)),
				report.Micros(s.time(func(r *generator.Result) time.Duration { return r.Callbacks.Answer.P50 })),
				report.Micros(s.time(func(r *generator.Result) time.Duration { return r.Callbacks.Answer.P99 })),
				report.Micros(s.time(func(r *generator.Result) time.Duration { return r.Callbacks.Delivery.P99 })),
				percent(s, func(r *generator.Result) time.Duration { return r.Callbacks.CPU }),
				fmt.Sprint(s.sum(lost)),
			}
		}),
	})
	return nil
}

func (b *bench) engineRows(all results) {
	show := func(s *series) string { return report.Count(s.median(told)) + "/s" + losses(s) }
	disk, bolt := all.find(onDisk), all.find(b.servers.bolt.Name)
	what := fmt.Sprintf("callbacks kept on disk, %d at a time", inFlight)
	b.row(9, what, "≥ "+report.Count(minOnDisk)+"/s at 0.2 ms a sync", disk, func() (string, report.Verdict) {
		return show(disk), report.Of(disk.median(told) >= minOnDisk && disk.sum(lost) == 0)
	}, all.others(show, inMemory))
	b.row(9, "the same beside a transaction for each", "stated", disk, func() (string, report.Verdict) {
		if !bolt.ok() {
			return show(disk), report.Unmeasured
		}
		return fmt.Sprintf("%s, %.1f ×", show(disk), disk.median(told)/bolt.median(told)), report.Stated
	}, all.others(show, b.servers.bolt.Name))
	for _, name := range []string{oneNode, threeNodes} {
		s := all.find(name)
		b.row(9, name, "stated", s, func() (string, report.Verdict) { return show(s), report.Stated }, "")
	}
}
