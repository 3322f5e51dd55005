//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/harness"
	"github.com/tillbell/tillbell/integration/matrix/browser"
	"github.com/tillbell/tillbell/integration/matrix/network"
	"github.com/tillbell/tillbell/integration/matrix/report"
)

// runner is one run.
type runner struct {
	options
	stage  stage
	report report.Report
}

var (
	// errBad says that the table shows what must not be.
	errBad = errors.New("a page did not show its outcome, or asked too often: see the table")
	// errNoCell says that there is nothing to play.
	errNoCell = errors.New("no cell fits, or programs are missing that all of them need")
)

// run plays all cells and writes the report. It leaves nothing but the report's file.
func run(ctx context.Context, o options) (err error) {
	r := &runner{options: o}
	chromium, err := browser.Find()
	if err != nil {
		return err
	}
	if r.stage.dir, err = os.MkdirTemp("", "tillbell-matrix-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.stage.dir)
	module, err := harness.Module(ctx)
	if err != nil {
		return err
	}
	if r.stage.program, err = harness.Build(ctx, module, ".", r.stage.dir, "tillbell", o.binary); err != nil {
		return err
	}
	if r.stage.browser, err = browser.Open(ctx, chromium); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stage.browser.Close()) }()
	began := time.Now()
	r.report.Machine = r.describe(ctx, module)
	bad := r.cells(ctx)
	if errors.Is(bad, errNoCell) {
		return bad
	}
	if ctx.Err() != nil { // what was interrupted says nothing
		return ctx.Err()
	}
	r.report.Machine = append(r.report.Machine, fmt.Sprintf("%d cells in %.0f s", len(r.report.Cells), time.Since(began).Seconds()))
	file := cmp.Or(o.out, harness.Results(module, "matrix", began, ""))
	return errors.Join(harness.Keep(&r.report, file), bad)
}

// part is a cell that is to be played.
type part struct {
	path  network.Path
	state state
}

// cells plays all cells, some at a time.
func (r *runner) cells(ctx context.Context) error {
	parts, bad := r.parts()
	if len(parts) == 0 {
		return errors.Join(errNoCell, bad)
	}
	r.report.Cells = make([]report.Cell, len(parts))
	next := make(chan int)
	var lanes sync.WaitGroup
	for range r.lanes {
		lanes.Go(func() {
			for i := range next {
				r.report.Cells[i] = r.cell(ctx, parts[i].path, parts[i].state)
				fmt.Fprintln(os.Stderr, r.report.Cells[i].Line())
			}
		})
	}
	for i := range parts {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	lanes.Wait()
	for _, c := range r.report.Cells {
		if c.Bad() {
			bad = errBad
		}
	}
	return bad
}

// parts returns the chosen cells, and notes the states that they have and the paths that cannot be had. The error is that
// one is missing which is required.
func (r *runner) parts() (parts []part, missing error) {
	seen := make(map[string]bool)
	for _, p := range network.Paths() {
		var chosen []part
		for _, st := range states {
			if r.chosen(p, st) {
				chosen = append(chosen, part{p, st})
			}
		}
		if why := p.Missing(); why != "" && len(chosen) > 0 {
			r.report.Missing = append(r.report.Missing, p.Name+": "+why)
			if r.require {
				missing = fmt.Errorf("%s: %s", p.Name, why)
			}
			continue
		}
		for _, c := range chosen {
			seen[c.state.Name] = true
		}
		parts = append(parts, chosen...)
	}
	for _, st := range states {
		if seen[st.Name] {
			r.report.States = append(r.report.States, st.State)
		}
	}
	return parts, missing
}

// quickPaths are those of the quick run: in the states that are part of it, and the first of them in every state.
var quickPaths = []string{"none", "nginx, default buffering", "haproxy", "buffers until close", "cuts every 5 s", "HTTP/2"}

// chosen reports whether the cell is part of the run.
func (r *runner) chosen(p network.Path, st state) bool {
	if r.only != nil && !r.only.MatchString(p.Name+"/"+st.Name) {
		return false
	}
	return !r.quick || p.Name == quickPaths[0] || st.quick && slices.Contains(quickPaths, p.Name)
}
