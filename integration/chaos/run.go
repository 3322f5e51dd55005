//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
	"github.com/tillbell/tillbell/integration/chaos/fault"
	"github.com/tillbell/tillbell/integration/chaos/report"
	"github.com/tillbell/tillbell/integration/harness"
)

// runner is one run.
type runner struct {
	options
	dir     string
	program string // tillbell
	natsd   string // nats-server, "" unless it is needed
	report  report.Report
}

// errBroken says that the table shows what must not be.
var errBroken = errors.New("a guarantee is broken, or a row failed: see the table")

// run injects all faults and writes the report. It leaves nothing but the report's file.
func run(ctx context.Context, o options) error {
	r := &runner{options: o}
	var err error
	if r.dir, err = os.MkdirTemp("", "tillbell-chaos-"); err != nil {
		return err
	}
	if !o.keep {
		defer os.RemoveAll(r.dir)
	} else {
		fmt.Fprintln(os.Stderr, "everything lies in", r.dir)
	}
	module, err := harness.Module(ctx)
	if err != nil {
		return err
	}
	if r.program, err = harness.Build(ctx, module, ".", r.dir, "tillbell", o.binary); err != nil {
		return err
	}
	if slices.Contains(o.engines, cluster.NATS) {
		if r.natsd, err = harness.Build(ctx, module, "github.com/nats-io/nats-server/v2", r.dir, "nats-server", o.server); err != nil {
			return err
		}
	}
	if inside() {
		if err := cluster.Loopback(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	r.report.Machine = r.describe(ctx, module)
	broken := r.rows(ctx)
	file := cmp.Or(o.out, harness.Results(module, "chaos", began, ""))
	if err := harness.Keep(&r.report, file); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return broken
}

// rows makes the rows of the table, one after the other.
func (r *runner) rows(ctx context.Context) error {
	type pair struct {
		engine string
		fault  fault.Fault
		why    error // it cannot be injected
	}
	var pairs []pair
	possible := 0
	for _, engine := range r.engines {
		for _, f := range fault.For(engine, r.faults) {
			why := f.Missing(inside(), r.clock)
			if why == nil {
				possible++
			}
			pairs = append(pairs, pair{engine, f, why})
		}
	}
	var broken error
	for _, p := range pairs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		row := report.Row{Engine: p.engine, Fault: p.fault.Name}
		if p.why != nil {
			row.NotRun = p.why.Error()
			if r.require {
				broken = errBroken
			}
		} else {
			row = r.row(ctx, p.engine, &p.fault, r.time/time.Duration(possible))
		}
		if ctx.Err() != nil { // what was interrupted says nothing
			return ctx.Err()
		}
		if row.Bad() {
			broken = errBroken
		}
		r.report.Rows = append(r.report.Rows, row)
	}
	return broken
}
