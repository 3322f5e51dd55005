//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/report"
	"github.com/tillbell/tillbell/integration/load/target"
)

// The bounds of measurement 8. Bytes of RSS are read a second after the first answer.
const (
	maxCold   = 20 * time.Millisecond
	maxStart  = 20 << 20
	maxBinary = 25 << 20
	idleTime  = time.Second
)

// starts are the cold starts of one target.
type starts struct {
	target *target.Target
	cold   []time.Duration
	rss    []float64
	pss    []float64
	binary float64
	err    error
}

// cold is measurement 8: from exec to the first answer.
func (b *bench) cold(ctx context.Context) error {
	var all []*starts
	for _, t := range b.servers.present(b.servers.sse, b.servers.nchanSSE, b.servers.naive) {
		all = append(all, &starts{target: t})
	}
	for round := range b.starts {
		for _, s := range all {
			began := time.Now()
			s.add(ctx, b, round == 0)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			progress(8, fmt.Sprintf("%s, start %d", s.target.Name, round+1), began, s.err)
		}
	}
	b.coldRows(all[0], all[1:])
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{s.target.Name, s.first(), s.memory(), report.MiB(report.Median(s.pss)), s.size()})
	}
	b.report.Tables = append(b.report.Tables, report.Table{
		Title: "8. Cold start",
		Note: fmt.Sprintf("Medians of %d starts. The first answer is that of /healthz, asked for without pause from exec on. Nchan's "+
			"binary is its module, without nginx.", b.starts),
		Head: []string{"", "first answer", "RSS", "PSS", "binary"},
		Rows: rows,
	})
	return nil
}

// add starts the target once more. Its memory is read a second later, where that is asked for.
func (s *starts) add(ctx context.Context, b *bench, memory bool) {
	if s.err != nil {
		return
	}
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		s.err = err
		return
	}
	defer os.RemoveAll(dir)
	server, err := s.target.Start(target.Options{}, 1, b.serverCore, dir)
	defer server.Stop()
	if err != nil {
		s.err = err
		return
	}
	s.cold = append(s.cold, server.Cold)
	if !memory {
		return
	}
	select {
	case <-time.After(min(idleTime, b.settle)):
	case <-ctx.Done():
		return
	}
	m, err := proc.ReadMemory(proc.Tree(server.Pids...)...)
	if err != nil {
		s.err = err
		return
	}
	s.rss, s.pss = append(s.rss, float64(m.RSS)), append(s.pss, float64(m.PSS))
	file, err := os.Stat(s.target.Program)
	if err != nil {
		s.err = err
		return
	}
	s.binary = float64(file.Size())
}

func (s *starts) first() string  { return fmt.Sprintf("%.1f ms", report.Median(s.cold).Seconds()*1000) }
func (s *starts) memory() string { return report.MiB(report.Median(s.rss)) }
func (s *starts) size() string   { return report.MiB(s.binary) }

func (b *bench) coldRows(own *starts, others []*starts) {
	add := func(what, limit string, show func(*starts) string, met bool) {
		row := report.Row{Number: 8, What: what, Target: limit, Measured: show(own), Verdict: report.Of(met)}
		if own.err != nil {
			row.Measured, row.Verdict = own.err.Error(), report.Unmeasured
		}
		for i, s := range others {
			if i > 0 {
				row.Peers += "; "
			}
			if s.err != nil {
				row.Peers += s.target.Name + ": " + s.err.Error()
				continue
			}
			row.Peers += s.target.Name + " " + show(s)
		}
		b.report.Rows = append(b.report.Rows, row)
	}
	add("cold start, exec to the first answer", "≤ 20 ms", (*starts).first, report.Median(own.cold) <= maxCold)
	add("RSS after start, idle", "≤ 20 MiB", (*starts).memory, report.Median(own.rss) <= maxStart)
	add("binary", "≤ 25 MiB", (*starts).size, own.binary <= maxBinary)
}
