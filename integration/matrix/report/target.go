package report

import (
	"fmt"
	"strings"
	"time"

	load "github.com/tillbell/tillbell/integration/load/report"
)

// The targets.
const (
	// Fast is for the median of all cells where a stream flows and the page listens.
	Fast = 50 * time.Millisecond
	// Prompt is for every cell but those of slow states.
	Prompt = 5 * time.Second
	// Every is how often a page that waits may ask once more.
	Every = 5 * time.Second
)

var fastTarget = fmt.Sprintf("the median is under %s where a stream flows and the page listens", figure(Fast))

// flowing reports whether Fast is a target of the cell.
func (c *Cell) flowing() bool { return c.Flows && c.State.Live }

// targets writes a row for each target.
func (r *Report) targets(b *strings.Builder) {
	write(b, []string{"target", "measured", ""}, [][]string{
		r.ends(), r.fast(), r.prompt(), r.slow(), r.frugal(), r.silent(),
	})
}

func row(target, measured string, met bool) []string {
	return []string{target, measured, string(load.Of(met))}
}

func (r *Report) ends() []string {
	failed := r.those(func(c *Cell) bool { return c.Failed != nil })
	return row("every page shows its outcome", fmt.Sprintf("%d of %d cells", len(r.Cells)-failed, len(r.Cells)), failed == 0)
}

func (r *Report) fast() []string {
	var all []time.Duration
	for _, c := range r.Cells {
		if c.flowing() && c.Failed == nil {
			all = append(all, c.Runs...)
		}
	}
	if len(all) == 0 {
		return []string{fastTarget, "no such cell", ""}
	}
	median := Median(all)
	return row(fastTarget, fmt.Sprintf("%s, of %d times", figure(median), len(all)), median < Fast)
}

func (r *Report) prompt() []string {
	worst := r.worst(func(c *Cell) bool { return !c.State.Slow })
	return row(fmt.Sprintf("every cell takes less than %s, but where the network is away", figure(Prompt)), worst.name(), worst.Took < Prompt)
}

func (r *Report) slow() []string {
	worst := r.worst(func(c *Cell) bool { return c.State.Slow })
	return []string{"where the network is away", worst.name(), string(load.Stated)}
}

func (r *Report) frugal() []string {
	over := r.those(func(c *Cell) bool { return c.Excess > 0 })
	return row(fmt.Sprintf("beyond the first of each transport (and the first poll that is held) one request in %s, and two whenever the page or its network comes back", figure(Every)),
		fmt.Sprintf("%d cells made more", over), over == 0)
}

func (r *Report) silent() []string {
	late := r.those(func(c *Cell) bool { return c.Late > 0 })
	return row("none after the outcome", fmt.Sprintf("%d cells made some", late), late == 0)
}

// those counts cells.
func (r *Report) those(fit func(*Cell) bool) int {
	n := 0
	for i := range r.Cells {
		if fit(&r.Cells[i]) {
			n++
		}
	}
	return n
}

// worst returns the slowest of the cells that did not fail, an empty one if there are none.
func (r *Report) worst(fit func(*Cell) bool) *Cell {
	worst := new(Cell)
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Failed == nil && fit(c) && c.Took >= worst.Took {
			worst = c
		}
	}
	return worst
}

// name says which cell took how long.
func (c *Cell) name() string {
	if c.Path == "" {
		return "no such cell"
	}
	return fmt.Sprintf("at most %s: %s, %s", figure(c.Took), c.Path, c.State.Name)
}
