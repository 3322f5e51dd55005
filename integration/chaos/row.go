//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
	"github.com/tillbell/tillbell/integration/chaos/fault"
	"github.com/tillbell/tillbell/integration/chaos/generator"
	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/report"
	"github.com/tillbell/tillbell/integration/chaos/script"
)

const (
	// calm is the healthy time before the first injection and behind the last one.
	calm = time.Second

	// progressTime is how often a run says how far it is.
	progressTime = 15 * time.Second

	// volumeSize is how much a volume holds. Its image takes as much room as what was written.
	volumeSize = 1 << 30
)

// row runs one engine under one fault, on servers of its own.
func (r *runner) row(ctx context.Context, engine string, f *fault.Fault, d time.Duration) report.Row {
	row := report.Row{Engine: engine, Fault: f.Name, Found: new(history.Findings)}
	fmt.Fprintf(os.Stderr, "%s, %s, for %v\n", engine, f.Name, d.Round(time.Second))
	s := &stage{runner: r, fault: f, row: &row, start: time.Now(), phase: time.Now()}
	err := s.set(ctx, engine)
	if err == nil {
		err = s.play(ctx, d)
	}
	row.Failed = errors.Join(err, s.clear())
	verdict := "nothing is broken"
	if row.Bad() {
		verdict = "BROKEN"
	}
	fmt.Fprintf(os.Stderr, "  %s (%s)\n", verdict, strings.Join(s.phases, ", "))
	for _, v := range row.Found.First() {
		fmt.Fprintf(os.Stderr, "  %s\n", v)
	}
	if row.Failed != nil {
		fmt.Fprintf(os.Stderr, "  %v\n", row.Failed)
	}
	return row
}

// stage is what one row needs.
type stage struct {
	*runner
	fault *fault.Fault
	row   *report.Row
	start time.Time
	dir   string
	net   *cluster.Network
	vol   *cluster.Volume
	site  *cluster.Site
	gen   *generator.Generator

	phases []string // how long they took
	phase  time.Time

	mu    sync.Mutex
	hurts [][2]time.Duration // injections
}

// ended notes the end of a phase.
func (s *stage) ended(phase string) {
	now := time.Now()
	s.phases = append(s.phases, fmt.Sprintf("%s %.1f s", phase, now.Sub(s.phase).Seconds()))
	s.phase = now
}

// set makes the servers and the generator.
func (s *stage) set(ctx context.Context, engine string) error {
	keys, err := cluster.NewKeys()
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(s.runner.dir, strings.ReplaceAll(engine+"-"+s.fault.Name, " ", "-")+"-"); err != nil {
		return err
	}
	found := s.row.Found
	o := cluster.Options{Engine: engine, Program: s.program, Server: s.natsd, Dir: s.dir, Keys: keys,
		Crashed: func(what string) { found.Add(history.Violation{Kind: history.Crashed, What: what}) }}
	if s.fault.Network {
		if s.net, err = cluster.NewNetwork(ctx, cluster.Machines(engine)); err != nil {
			return err
		}
		o.Network = s.net
	}
	if s.fault.Volume {
		if s.vol, err = cluster.NewVolume(ctx, s.dir, volumeSize); err != nil {
			return err
		}
		o.Volume = s.vol
	}
	if s.site, err = cluster.NewSite(o); err != nil {
		return err
	}
	if err := s.site.Start(ctx); err != nil {
		return err
	}
	book, err := script.NewBook(fmt.Sprintf("%06x", rand.N(1<<24)), rand.Uint64(), time.Now())
	if err != nil {
		return err
	}
	signers, err := keys.Signers()
	if err != nil {
		return err
	}
	tickets, err := keys.Tickets()
	if err != nil {
		return err
	}
	s.gen = generator.New(generator.Options{Addresses: s.site.Addresses, Book: book, Signers: signers, Tickets: tickets,
		APIKey: keys.API, Rate: s.rate, Watch: s.watch, Faults: s.healed, Start: s.start}, found)
	return nil
}

// play posts, hurts, heals, waits for everything to be told, and audits.
func (s *stage) play(ctx context.Context, d time.Duration) error {
	s.ended("start")
	stop := make(chan struct{})
	drained, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var running sync.WaitGroup
	running.Go(func() { s.gen.Run(drained, stop) })
	telling, quiet := context.WithCancel(ctx)
	running.Go(func() { s.tell(telling) })

	pause(ctx, calm)
	hurting, enough := context.WithTimeout(ctx, d)
	err := s.fault.Run(hurting, s.site, s.note)
	enough()
	pause(ctx, calm)
	close(stop)
	s.ended("faults")
	late := time.AfterFunc(s.patience, giveUp)
	quiet()
	running.Wait()
	late.Stop()
	s.ended("drain")
	s.row.Figures = s.gen.Figures()
	s.row.Times, s.row.Hurt = s.hurt()
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if s.row.Engine != cluster.Memory {
		s.site.Kill()
		if err := s.site.Start(ctx); err != nil {
			return fmt.Errorf("after everything was killed: %w", err)
		}
		s.ended("restart")
	}
	err = s.gen.Audit(ctx)
	s.ended("audit")
	return err
}

// clear ends the servers and removes what they leave.
func (s *stage) clear() error {
	if s.site != nil {
		s.site.Kill()
	}
	var err error
	if s.vol != nil {
		err = s.vol.Close()
	}
	if s.net != nil {
		s.net.Close()
	}
	if !s.keep && s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// tell says how far the run is, now and then.
func (s *stage) tell(ctx context.Context) {
	for tick := time.NewTicker(progressTime); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			fmt.Fprintf(os.Stderr, "  %s\n", s.gen.Progress())
		}
	}
}

// note notes an injection.
func (s *stage) note(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurts = append(s.hurts, [2]time.Duration{from.Sub(s.start), to.Sub(s.start)})
}

// hurt returns how many injections there were, and the time from the first to the last.
func (s *stage) hurt() (times int, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.hurts)
	if n == 0 {
		return 0, 0
	}
	return n, s.hurts[n-1][1] - s.hurts[0][0]
}

// healed returns when the last fault between two times ended.
func (s *stage) healed(from, to time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := from
	for _, h := range s.hurts {
		if h[1] > from && h[1] <= to {
			end = max(end, h[1])
		}
	}
	return end
}

// pause returns early if ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
