//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/harness"
	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/target"
)

// run makes the measurements and writes the report. It leaves nothing but the report's file.
func run(ctx context.Context, o options) error {
	chosen, err := chosen(o.only)
	if err != nil {
		return err
	}
	m, err := thisMachine()
	if err != nil {
		return err
	}
	if err := m.check(max(o.most, o.many)); err != nil {
		return err
	}
	b := &bench{size: o.size, keys: target.NewKeys(), serverCore: -1, loadCore: -1}
	if b.dir, err = os.MkdirTemp("", "tillbell-load-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	began := time.Now()
	if err := b.prepare(ctx, o.binary); err != nil {
		return err
	}
	clock, err := proc.NewClock()
	if err != nil {
		return err
	}
	for _, number := range chosen {
		if err := measurements[number-1](b, ctx); err != nil {
			return err
		}
	}
	others, err := clock.Others()
	if err != nil {
		return err
	}
	b.report.Machine = append(b.report.Machine, fmt.Sprintf(
		"took %v, in which others used %.0f %% of the cores: the less, the better the figures",
		time.Since(began).Round(time.Second), others*100))
	if err := b.write(ctx, o.out, began); err != nil {
		return err
	}
	if n := b.report.Unmeasured(); n > 0 {
		return fmt.Errorf("%d rows could not be measured", n)
	}
	return nil
}

// measurements are numbered from 1, as the targets are.
var measurements = []func(*bench, context.Context) error{
	(*bench).idle, (*bench).outcomes, (*bench).throughput, (*bench).latency,
	(*bench).fanout, (*bench).comeback, (*bench).heartbeats, (*bench).cold, (*bench).engines,
}

// chosen returns the numbers of the measurements to make, in order.
func chosen(list string) ([]int, error) {
	var all []int
	for i := range measurements {
		all = append(all, i+1)
	}
	if list == "" {
		return all, nil
	}
	var some []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || !slices.Contains(all, n) {
			return nil, fmt.Errorf("-only %s: want numbers from 1 to %d", list, len(all))
		}
		some = append(some, n)
	}
	slices.Sort(some)
	return slices.Compact(some), nil
}

// prepare builds what is measured and says what this machine is.
func (b *bench) prepare(ctx context.Context, tillbell string) error {
	module, err := harness.Module(ctx)
	if err != nil {
		return err
	}
	if tillbell, err = harness.Build(ctx, module, ".", b.dir, "tillbell", tillbell); err != nil {
		return err
	}
	yardstick, err := harness.Build(ctx, module, "./integration/load/yardstick", b.dir, "yardstick", "")
	if err != nil {
		return err
	}
	s := &b.servers
	s.sse, s.ws, s.both = target.Tillbell(tillbell, b.keys)
	s.naive, s.bolt, s.bare = target.Yardsticks(yardstick, b.keys)
	if s.nchanSSE, s.nchanWS, err = target.Nchan(); err != nil && !errors.Is(err, target.ErrNoNchan) {
		return err
	}
	if cores := proc.Cores(); len(cores) > 1 {
		b.serverCore, b.loadCore = cores[0], cores[1]
	}
	b.report.Machine = b.describe(ctx, module)
	if b.loadCore < 0 {
		return nil
	}
	_, err = proc.Pin(b.loadCore) // this thread starts servers and asks for their first answer
	return err
}

// write writes the report to standard output and to a file.
func (b *bench) write(ctx context.Context, file string, at time.Time) error {
	if file == "" {
		module, err := harness.Module(ctx)
		if err != nil {
			return err
		}
		file = harness.Results(module, "load", at, "-"+b.name)
	}
	return harness.Keep(&b.report, file)
}
