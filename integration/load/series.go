//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/report"
)

// series are the results of one entry, one for each round. One round that fails fails all.
type series struct {
	entry
	runs []*generator.Result
	err  error
}

func (s *series) add(r *generator.Result, err error) {
	if err != nil {
		s.err = err
		return
	}
	s.runs = append(s.runs, r)
}

// measure goes round the entries and says on standard error what it does. The error is that of ctx.
func (b *bench) measure(ctx context.Context, number, rounds int, entries []entry) (results, error) {
	var all results
	for _, e := range entries {
		all = append(all, &series{entry: e})
	}
	for round := range rounds {
		for _, s := range all {
			if s.err != nil {
				continue
			}
			began := time.Now()
			r, err := b.once(ctx, s.entry)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			s.add(r, err)
			progress(number, fmt.Sprintf("%s, round %d", s.name, round+1), began, err)
		}
	}
	return all, nil
}

func progress(number int, what string, began time.Time, err error) {
	took := time.Since(began).Round(100 * time.Millisecond)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%d. %s: %v (%v)\n", number, what, err, took)
		return
	}
	fmt.Fprintf(os.Stderr, "%d. %s (%v)\n", number, what, took)
}

// results are the series of one measurement.
type results []*series

// find returns the series of a name, nil if it was not measured.
func (r results) find(name string) *series {
	for _, s := range r {
		if s.name == name {
			return s
		}
	}
	return nil
}

// others shows what the series of those names have.
func (r results) others(show func(*series) string, names ...string) string {
	var all []string
	for _, name := range names {
		if s := r.find(name); s.ok() {
			all = append(all, s.target.Name+" "+show(s))
		} else {
			all = append(all, name+": "+s.why())
		}
	}
	return strings.Join(all, "; ")
}

// table writes the figures of all series. Of one that failed it says why.
func (r results) table(show func(*series) []string) [][]string {
	var rows [][]string
	for _, s := range r {
		row := []string{s.name, s.why()}
		if s.ok() {
			row = append([]string{s.name}, show(s)...)
		}
		rows = append(rows, row)
	}
	return rows
}

// median returns the median of a figure over the rounds.
func (s *series) median(f func(*generator.Result) float64) float64 {
	var values []float64
	for _, r := range s.runs {
		values = append(values, f(r))
	}
	return report.Median(values)
}

// time is median for durations.
func (s *series) time(f func(*generator.Result) time.Duration) time.Duration {
	return time.Duration(s.median(func(r *generator.Result) float64 { return float64(f(r)) }))
}

// sum adds a count up over the rounds.
func (s *series) sum(f func(*generator.Result) int) int {
	n := 0
	for _, r := range s.runs {
		n += f(r)
	}
	return n
}

// ok says whether there is anything to show.
func (s *series) ok() bool { return s != nil && s.err == nil && len(s.runs) > 0 }

// why says why there is not.
func (s *series) why() string {
	switch {
	case s == nil:
		return "not installed"
	case s.err != nil:
		return s.err.Error()
	}
	return "not measured"
}

// row adds the row of one target.
func (b *bench) row(number int, what, target string, s *series, measured func() (string, report.Verdict), peers string) {
	row := report.Row{Number: number, What: what, Target: target, Peers: peers}
	if s.ok() {
		row.Measured, row.Verdict = measured()
	} else {
		row.Measured, row.Verdict = s.why(), report.Unmeasured
	}
	b.report.Rows = append(b.report.Rows, row)
}
