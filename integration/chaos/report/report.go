// Package report writes what a run came to, as Markdown: a table with a row for each engine and fault, and what was
// violated.
package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/generator"
	"github.com/tillbell/tillbell/integration/chaos/history"
	load "github.com/tillbell/tillbell/integration/load/report"
)

// A Row is one engine under one fault.
type Row struct {
	Engine, Fault string
	// NotRun says why the fault was not injected; the rest is empty then.
	NotRun string
	// Failed is what ended the row early.
	Failed error

	Times   int           // how often it was injected
	Hurt    time.Duration // from the first injection's start to the last one's end
	Figures generator.Figures
	Found   *history.Findings
}

// Bad reports whether the row shows a broken guarantee, or could not be brought to its end.
func (r *Row) Bad() bool { return r.Failed != nil || r.Found != nil && r.Found.Broken() }

// A Report is one run.
type Report struct {
	Machine []string // lines about where and when
	Rows    []Row
}

var head = []string{"engine", "fault", "times", "seconds", "posted", "acknowledged", "lost", "told twice", "wrong or diverging",
	"never told", "behind", "outage: provider", "outage: waiter"}

// Total sums the rows up.
func (r *Report) Total() Row {
	total := Row{Engine: "all", Found: new(history.Findings)}
	for _, row := range r.Rows {
		if row.Found == nil {
			continue
		}
		total.Times += row.Times
		total.Hurt += row.Hurt
		f, g := &total.Figures, row.Figures
		f.Posted, f.Acked, f.Attempts = f.Posted+g.Posted, f.Acked+g.Acked, f.Attempts+g.Attempts
		f.Watched, f.Ordered, f.Undecided = f.Watched+g.Watched, f.Ordered+g.Ordered, f.Undecided+g.Undecided
		f.Provider, f.Waiter, f.WaiterHealed = max(f.Provider, g.Provider), max(f.Waiter, g.Waiter), max(f.WaiterHealed, g.WaiterHealed)
		total.Found.Merge(row.Found)
	}
	return total
}

// WriteTo writes the report.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	b.WriteString("# Tillbell under faults\n\n")
	for _, line := range r.Machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n" + note + "\n\n")
	var lines [][]string
	for _, row := range r.Rows {
		lines = append(lines, row.cells())
	}
	total := r.Total()
	lines = append(lines, total.cells())
	write(&b, lines)
	f := total.Figures
	fmt.Fprintf(&b, "\nThe %s callbacks were posted %s times. %s payments were watched by waiters and readers and judged on their own; of "+
		"%s whose callbacks contradict or overtake each other porcupine found an order that explains all snapshots of all nodes, of %d it found no "+
		"answer in time.\n", load.Count(float64(f.Posted)), load.Count(float64(f.Attempts)), load.Count(float64(f.Watched)),
		load.Count(float64(f.Ordered)), f.Undecided)
	for _, row := range r.Rows {
		row.violations(&b)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

const note = `Posted and acknowledged count each callback once, however often it was posted. Lost: acknowledged, and missing in a
node's state or log, read after everything had healed and, where the engine is durable, every process had been killed once more. Told twice:
on one connection, or stored twice. Wrong or diverging: told or stored and never posted, another outcome than the log's, another log on another
node, a snapshot without what the same node had acknowledged, a genuine callback refused, a process that ended by itself. Never told: waiters. Behind:
snapshots that lacked what another node had acknowledged already, and clients that were told again what they had from another node,
neither of which a guarantee excludes. Outage of a provider: the longest
time without any acknowledgement while some were waited for. Of a waiter: the longest time from the acknowledgement of the outcome,
or from when the client came (back) by itself, to its telling; and the same from the end of the fault, if that is later.`

func (r *Row) cells() []string {
	switch {
	case r.NotRun != "":
		return []string{r.Engine, r.Fault, "not run: " + r.NotRun}
	case r.Failed != nil && r.Figures.Posted == 0:
		return []string{r.Engine, r.Fault, "**failed**, see below"}
	}
	count := func(kinds ...history.Kind) string {
		n := 0
		for _, k := range kinds {
			n += r.Found.Count(k)
		}
		if n > 0 && kinds[0] != history.Behind {
			return "**" + load.Count(float64(n)) + "**"
		}
		return load.Count(float64(n))
	}
	f := r.Figures
	return []string{r.Engine, r.Fault, fmt.Sprint(r.Times), fmt.Sprintf("%.0f", r.Hurt.Seconds()),
		load.Count(float64(f.Posted)), load.Count(float64(f.Acked)), count(history.Lost), count(history.Doubled),
		count(history.Diverging, history.Forged, history.Stale, history.Refused, history.Crashed), count(history.Untold),
		count(history.Behind), seconds(f.Provider), seconds(f.Waiter) + ", " + seconds(f.WaiterHealed)}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// violations describes what the row shows.
func (r *Row) violations(b *strings.Builder) {
	if r.NotRun != "" || r.Failed == nil && (r.Found == nil || len(r.Found.First()) == 0) {
		return
	}
	fmt.Fprintf(b, "\n## %s, %s\n\n", r.Engine, cmp.Or(r.Fault, "no fault"))
	if r.Failed != nil {
		fmt.Fprintf(b, "- failed: %v\n", r.Failed)
	}
	if r.Found == nil {
		return
	}
	for _, v := range r.Found.First() {
		fmt.Fprintf(b, "- %s\n", v)
	}
}

// write writes the table, with columns of the same width.
func write(b *strings.Builder, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			if len(row) == len(head) {
				width[i] = max(width[i], len([]rune(cell)))
			}
		}
	}
	line := func(row []string) {
		for i := range head {
			cell := ""
			if i < len(row) {
				cell = strings.NewReplacer("|", "/", "\n", " ").Replace(row[i])
			}
			fmt.Fprintf(b, "| %-*s ", width[i], cell)
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
