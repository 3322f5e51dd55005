// Package report writes what was measured as Markdown: first every target with the figure that was measured and the
// peers' figures of the same run, then a table for each measurement.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Verdict says whether a target was met.
type Verdict string

// The verdicts.
const (
	Met        Verdict = "met"
	Missed     Verdict = "**missed**"
	Stated     Verdict = "stated"           // the target asks for the figure and sets no bound
	Unmeasured Verdict = "**not measured**" // here, and Row.Measured says why
)

// Of returns Met or Missed.
func Of(met bool) Verdict {
	if met {
		return Met
	}
	return Missed
}

// A Row is one target and what was measured.
type Row struct {
	Number   int // of the measurement
	What     string
	Target   string
	Measured string
	Peers    string // the same of others, in the same run
	Verdict  Verdict
}

// A Table has the figures of one measurement.
type Table struct {
	Title string
	Note  string // what was done, in a sentence or two
	Head  []string
	Rows  [][]string
}

// A Report is one run. Its methods are not safe for concurrent use.
type Report struct {
	Machine []string // lines about where and when
	Rows    []Row
	Tables  []Table
}

// Unmeasured returns how many targets could not be measured.
func (r *Report) Unmeasured() int {
	n := 0
	for _, row := range r.Rows {
		if row.Verdict == Unmeasured {
			n++
		}
	}
	return n
}

// WriteTo writes the report as Markdown.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	b.WriteString("# Tillbell under load\n\n")
	for _, line := range r.Machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	if len(r.Rows) > 0 {
		b.WriteString("\n## Targets\n\n")
		rows := slices.Clone(r.Rows)
		slices.SortStableFunc(rows, func(a, b Row) int { return a.Number - b.Number })
		var lines [][]string
		for _, row := range rows {
			lines = append(lines, []string{
				fmt.Sprint(row.Number), row.What, row.Target, row.Measured, row.Peers, string(row.Verdict),
			})
		}
		write(&b, []string{"", "what", "target", "measured", "others, same run", ""}, lines)
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n## %s\n\n", t.Title)
		if t.Note != "" {
			fmt.Fprintf(&b, "%s\n\n", t.Note)
		}
		write(&b, t.Head, t.Rows)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// write writes a table of Markdown, with columns of the same width.
func write(b *strings.Builder, head []string, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i := range head {
			width[i] = max(width[i], 3, len([]rune(cell(row, i))))
		}
	}
	line := func(row []string) {
		for i := range head {
			fmt.Fprintf(b, "| %-*s ", width[i], cell(row, i))
		}
		b.WriteString("|\n")
	}
	line(head)
	for i := range head {
		b.WriteString("|" + strings.Repeat("-", width[i]+2))
	}
	b.WriteString("|\n")
	for _, row := range rows {
		line(row)
	}
}

// cell returns a cell that cannot break its table.
func cell(row []string, i int) string {
	if i >= len(row) {
		return ""
	}
	return strings.NewReplacer("|", "/", "\n", " ").Replace(row[i])
}

// Median returns the middle value, the mean of the two middle ones of an even number, and 0 of none.
func Median[T ~int | ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	high := sorted[len(sorted)/2]
	if len(sorted)%2 == 1 {
		return high
	}
	low := sorted[len(sorted)/2-1]
	return low + (high-low)/2
}

// Micros writes a duration in microseconds, or in milliseconds from ten of them.
func Micros(d time.Duration) string {
	switch us := float64(d) / 1000; {
	case us >= 10_000:
		return fmt.Sprintf("%.0f ms", us/1000)
	case us >= 100:
		return fmt.Sprintf("%.0f µs", us)
	default:
		return fmt.Sprintf("%.1f µs", us)
	}
}

// KiB writes bytes in KiB.
func KiB(bytes float64) string { return fmt.Sprintf("%.2f KiB", bytes/(1<<10)) }

// MiB writes bytes in MiB.
func MiB(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

// Count writes a number with its thousands apart.
func Count(n float64) string {
	s := fmt.Sprintf("%.0f", n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
