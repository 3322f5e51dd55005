//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
	"github.com/tillbell/tillbell/integration/chaos/fault"
	"github.com/tillbell/tillbell/integration/chaos/report"
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
	module, err := root(ctx)
	if err != nil {
		return err
	}
	if r.program, err = build(ctx, module, ".", r.dir, o.binary); err != nil {
		return err
	}
	if slices.Contains(o.engines, cluster.NATS) {
		if r.natsd, err = build(ctx, module, "github.com/nats-io/nats-server/v2", r.dir, o.server); err != nil {
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
	if err := r.write(module, began); err != nil {
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

// write writes the report to standard output and to a file.
func (r *runner) write(module string, at time.Time) error {
	file := r.out
	if file == "" {
		file = filepath.Join(module, "integration", "chaos", "results", at.UTC().Format("2006-01-02-1504")+".md")
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = r.report.WriteTo(io.MultiWriter(os.Stdout, f))
	if err = errors.Join(err, f.Close()); err == nil {
		fmt.Fprintln(os.Stderr, "written to", file)
	}
	return err
}
