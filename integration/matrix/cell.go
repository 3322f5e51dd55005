//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/matrix/browser"
	"github.com/tillbell/tillbell/integration/matrix/network"
	"github.com/tillbell/tillbell/integration/matrix/report"
)

// watch is how long a page is watched after its outcome: it must ask nothing more.
const watch = 3 * time.Second

// rounds is how often a cell is played where the median matters, in a run of everything.
const rounds = 5

// cell makes one cell.
func (r *runner) cell(ctx context.Context, p network.Path, st state) report.Cell {
	c := report.Cell{Path: p.Name, State: st.State, Flows: p.Flows}
	n := 1
	if c.Flows && st.Live && st.often && !r.quick {
		n = rounds
	}
	for i := 0; i < n && c.Failed == nil; i++ {
		c.Failed = r.play(ctx, p, st, &c, i == 0)
	}
	c.Took = report.Median(c.Runs)
	slices.Sort(c.By)
	return c
}

// play plays a cell once and adds what was measured. Where watched is set, the pages are watched after their outcome.
func (r *runner) play(ctx context.Context, p network.Path, st state, c *report.Cell, watched bool) error {
	s, err := r.stage.newScene(ctx, p)
	if err == nil {
		err = st.play(ctx, s)
	}
	if err == nil && watched {
		err = pause(ctx, watch)
	}
	if r.verbose {
		s.print(p, st)
	}
	s.judge(c)
	return errors.Join(err, s.close())
}

// judge adds to the cell what was measured.
func (s *scene) judge(c *report.Cell) {
	var took time.Duration // of the slowest tab
	for i, t := range s.tabs {
		words, requests, end := t.Words(), t.Requests(), time.Now()
		if i < len(s.outcomes) {
			end = s.outcomes[i].Time()
			took = max(took, end.Sub(s.since))
			if by := carrier(requests, words[s.from].Time()); !slices.Contains(c.By, by) {
				c.By = append(c.By, by)
			}
		}
		n := count(requests, s.gone, s.since, end)
		c.Requests += n.asked
		c.Late += n.late
		documents := 0
		for _, w := range words {
			switch w.Kind {
			case "asked":
				documents++
			case "shown":
				c.Cached = c.Cached || w.Persisted
			case browser.NotRestored:
				c.Notes = append(c.Notes, "not from the back-forward cache: "+w.Text)
			case browser.Exception:
				c.Notes = append(c.Notes, "exception: "+w.Text)
			}
		}
		waited, disturbances := end.Sub(s.opened), s.disturbances
		if s.path.Name == cutting {
			disturbances += int(waited / network.Life)
		}
		c.Excess = max(c.Excess, n.excess(waited, documents, disturbances))
	}
	c.Runs = append(c.Runs, took)
}

// cutting is the path on which a page loses its connection every network.Life.
const cutting = "cuts every 5 s"

// carrier returns over what a page was told first, by requests since its document began; "tab" if by none of them.
func carrier(requests []browser.Request, began time.Time) string {
	by, first := "tab", 0.0
	for _, r := range requests {
		if r.News != 0 && (first == 0 || r.News < first) && !r.At.Before(began) {
			by, first = r.Kind, r.News
		}
	}
	return by
}

// counts are a page's requests. What it asks while the network is away stays in the browser and is none.
type counts struct {
	asked  int // until its end
	firsts int // of these, that each transport begins with
	late   int // after its end
}

// count counts requests. The network was away from gone until back, unless gone is zero.
func count(requests []browser.Request, gone, back, end time.Time) counts {
	var n counts
	var kinds []string
	for _, r := range requests {
		switch {
		case r.At.After(end):
			n.late++
		case !gone.IsZero() && r.At.After(gone) && r.At.Before(back):
		default:
			n.asked++
			if !slices.Contains(kinds, r.Kind) {
				kinds = append(kinds, r.Kind)
			}
		}
	}
	n.firsts = len(kinds)
	if slices.Contains(kinds, browser.Poll) {
		n.firsts++
	}
	return n
}

// excess returns how many requests too many a page made. Each of its documents has the first of each transport, and of
// polls the first that is held as well: one that is answered at once shows whether polling works. Beyond these it has one for every five seconds that have begun, and a look and a connection after each disturbance.
func (n counts) excess(waited time.Duration, documents, disturbances int) int {
	return max(0, n.asked-n.firsts*documents-int(waited/report.Every)-1-2*disturbances)
}

// print prints what the pages have said and asked for.
func (s *scene) print(p network.Path, st state) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s: the time counts from %s\n", p.Name, st.Name, s.since.Format(clock))
	for i, t := range s.tabs {
		for _, w := range t.Words() {
			fmt.Fprintf(&b, "  tab %d: %s says %s %s\n", i+1, w.Time().Format(clock), w.Kind, w.Text)
		}
		for _, r := range t.Requests() {
			fmt.Fprintf(&b, "  tab %d: %s asks %s, %d", i+1, r.At.Format(clock), r.Kind, r.Status)
			if r.News != 0 {
				fmt.Fprintf(&b, ", told at %.3f", r.News)
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprint(os.Stderr, b.String())
}

const clock = "05.000"
