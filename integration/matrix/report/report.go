// Package report writes a matrix as Markdown: a row for each path and a column for each state, and before it whether the
// targets were met.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	load "github.com/tillbell/tillbell/integration/load/report"
)

// A State is a column of the table.
type State struct {
	Name  string
	Since string // what its times count from
	// Live is a page that listens when the callback comes: Fast is a target where a stream flows.
	Live bool
	// Slow is a page that learns its outcome when the network lets it: Prompt is no target.
	Slow bool
}

// A Cell is one path in one state.
type Cell struct {
	Path  string
	State State
	Flows bool // a stream flows on the path

	// Failed is why there is no outcome; what follows may be empty then.
	Failed error
	// Took is how long the page took to show its outcome, the median of Runs, which has all figures of the cell.
	Took time.Duration
	Runs []time.Duration
	// By is over what it learnt the outcome, all of these where there are several pages or runs.
	By []string
	// Requests is how many the pages made until they were told, Excess how many too many the worst of them made, Late how
	// many came after the outcome.
	Requests, Excess, Late int
	Cached                 bool // the page came back from the back-forward cache
	Notes                  []string
}

// lag is what a busy machine may add to Prompt before a cell fails the run.
const lag = 5 * time.Second

// Bad reports whether the cell fails the run: a page without its outcome, one that asks too often, or one that took so
// much longer than Prompt that no busy machine is to blame.
func (c *Cell) Bad() bool {
	return c.Failed != nil || c.Excess > 0 || c.Late > 0 || c.Took >= Prompt+lag && !c.State.Slow
}

// A Report is one run.
type Report struct {
	Machine []string // lines about where and when
	States  []State
	Cells   []Cell
	Missing []string // paths that were left out, and why
}

// The marks of a cell.
const (
	fastMark    = "°"
	promptMark  = "†"
	requestMark = "‡"
	cachedMark  = "ᵇ"
)

const legend = `Each cell: how long the page took to show its outcome, and over what it learnt it: an event stream (sse), a WebSocket
(ws), a long poll (poll), a snapshot (state), or another tab of the same shop (tab). Marks: ` + fastMark + ` is slower than the target where a
stream flows, ` + promptMark + ` than the one of all cells, ` + requestMark + ` made more requests than a page may; ` + cachedMark + ` came back from the
back-forward cache.`

// WriteTo writes the report.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	b.WriteString("# Every wait ends\n\n")
	for _, line := range r.Machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n")
	r.targets(&b)
	b.WriteString("\n" + legend + "\n\n")
	r.table(&b)
	b.WriteString("\nWhat the time counts from:\n\n")
	for _, s := range r.States {
		fmt.Fprintf(&b, "- %s: %s\n", s.Name, s.Since)
	}
	r.remarks(&b)
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// table writes a row for each path.
func (r *Report) table(b *strings.Builder) {
	var paths []string
	for _, c := range r.Cells {
		if !slices.Contains(paths, c.Path) {
			paths = append(paths, c.Path)
		}
	}
	head := []string{"path"}
	for _, s := range r.States {
		head = append(head, s.Name)
	}
	var rows [][]string
	for _, p := range paths {
		row := []string{p}
		for _, s := range r.States {
			text := ""
			if i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Path == p && c.State.Name == s.Name }); i >= 0 {
				text = r.Cells[i].text()
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	write(b, head, rows)
}

// text is what the table says of the cell.
func (c *Cell) text() string {
	if c.Failed != nil {
		return "**failed**"
	}
	text := figure(c.Took) + " " + strings.Join(c.By, ", ")
	if c.Cached {
		text += cachedMark
	}
	if c.flowing() && c.Took >= Fast {
		text += fastMark
	}
	if c.Took >= Prompt && !c.State.Slow {
		text += promptMark
	}
	if c.Excess > 0 || c.Late > 0 {
		text += requestMark
	}
	return text
}

// figure writes a time with the digits that it deserves.
func figure(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// Line is a line about the cell for whoever watches the run.
func (c *Cell) Line() string {
	line := fmt.Sprintf("%-33s %-15s %s, %d requests", c.Path, c.State.Name, c.text(), c.Requests)
	if c.Failed != nil {
		line += ": " + c.Failed.Error()
	}
	return line
}

// remarks writes what the table has no room for.
func (r *Report) remarks(b *strings.Builder) {
	var lines []string
	for _, why := range r.Missing {
		lines = append(lines, "left out: "+why)
	}
	for _, c := range r.Cells {
		name := c.Path + "/" + c.State.Name
		if c.Failed != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", name, c.Failed))
		}
		if c.Excess > 0 || c.Late > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d requests, %d too many, %d after the outcome", name, c.Requests, c.Excess, c.Late))
		}
		for _, n := range c.Notes {
			lines = append(lines, name+": "+n)
		}
	}
	if len(lines) > 0 {
		b.WriteString("\nRemarks:\n\n")
	}
	for _, line := range lines {
		fmt.Fprintf(b, "- %s\n", strings.ReplaceAll(line, "\n", " "))
	}
}

// write writes a table of Markdown, with columns of the same width.
func write(b *strings.Builder, head []string, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], 3, len([]rune(cell)))
		}
	}
	line := func(row []string) {
		for i, cell := range row {
			fmt.Fprintf(b, "| %s%s ", cell, strings.Repeat(" ", width[i]-len([]rune(cell))))
		}
		b.WriteString("|\n")
	}
	line(head)
	for _, w := range width {
		b.WriteString("|" + strings.Repeat("-", w+2))
	}
	b.WriteString("|\n")
	for _, row := range rows {
		line(row)
	}
}

// Median returns the middle of the figures, 0 of none.
func Median(figures []time.Duration) time.Duration { return load.Median(figures) }
