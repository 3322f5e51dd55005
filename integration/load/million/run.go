//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/tillbell/tillbell/modules/heap"
)

// A run is one measurement, from nobody to nobody.
type run struct {
	options
	figures figures
	log     io.Writer // how far it is
	step    string
	profile profiler
	ledger  *ledger
}

func newRun(o options, log io.Writer) *run {
	return &run{
		options: o, figures: o.figures(), log: log, profile: profiler(o.profiles),
		ledger: newLedger(strings.ToLower(rand.Text()[:6])),
	}
}

// begin says what is done next.
func (r *run) begin(format string, args ...any) {
	r.step = fmt.Sprintf(format, args...)
	fmt.Fprintf(r.log, "%7.1f s  %s\n", r.ledger.now().Seconds(), r.step)
}

// measure makes the whole run. The error says what was lost, doubled or wrong; what runs then is left to the end of the
// process.
func (r *run) measure(ctx context.Context) error {
	memory := heap.Keep()
	defer memory.Stop()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	for _, f := range []func(context.Context, context.CancelCauseFunc) error{r.compare, r.hold} {
		err := f(ctx, giveUp)
		if cause := context.Cause(ctx); cause != nil { // what went wrong first
			return cause
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compare measures what callbacks take while few wait.
func (r *run) compare(ctx context.Context, giveUp context.CancelCauseFunc) error {
	r.begin("start")
	s, err := newStage(ctx, r)
	if err != nil {
		return err
	}
	if r.figures.Start, err = settled(); err != nil {
		return err
	}
	if r.figures.StandInCPU, err = rehearse(r.ledger, s.site.secret); err != nil {
		return err
	}
	s.invite(ctx, r.few, giveUp)
	r.begin("%d connect", r.few)
	if _, _, err := s.connect(ctx); err != nil {
		return err
	}
	r.begin("callbacks with %d waiting", r.few)
	if r.figures.LatencyFew, err = s.latency(ctx, r.few); err != nil {
		return err
	}
	r.begin("%d outcomes", r.few)
	if err := s.tell(ctx, 0, r.few); err != nil {
		return err
	}
	return s.strike(ctx)
}

// hold measures what all take that wait, and tells each its outcome.
func (r *run) hold(ctx context.Context, giveUp context.CancelCauseFunc) error {
	s, err := newStage(ctx, r)
	if err != nil {
		return err
	}
	without, err := settled()
	if err != nil {
		return err
	}
	s.invite(ctx, r.n, giveUp)
	with, err := settled()
	if err != nil {
		return err
	}
	r.figures.StandIns = with.less(without)
	for _, f := range []func(context.Context, *stage) error{r.connect, r.idle, r.beat, r.busy, r.outcomes} {
		if err := f(ctx, s); err != nil {
			return err
		}
	}
	return r.end(ctx, s)
}
