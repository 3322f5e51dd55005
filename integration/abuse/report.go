//go:build linux

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/load/report"
)

// The targets.
const (
	// maxGrowth is what memory may grow by while it is attacked, beyond what genuine callbacks keep: it does not depend on
	// how many calls there are.
	maxGrowth = 8 << 20
	// maxAnswer is the 99th percentile of genuine callbacks while the server's core is busy with nothing but the attack.
	maxAnswer = 50 * time.Millisecond
	// maxAsked is how often a second strangers may cause a source to ask its API, whatever they post; spare is the bursts.
	maxAsked, spareAsked = 15, 40
	// The same from an address that a provider's callbacks come from.
	maxAskedAtHome, spareAskedAtHome = 65, 140
	// maxLog is how much the log may grow a second and source.
	maxLog = 10 << 10
	// kept is what a genuine callback's event takes in the memory engine, roughly and rather more.
	kept = 2 << 10
)

// row is one target and what was measured.
type row struct {
	what, target, measured string
	verdict                report.Verdict
}

func (b *bench) report() *bytes.Buffer {
	var out bytes.Buffer
	out.WriteString("# Tillbell under abuse\n\n")
	for _, line := range b.machine {
		fmt.Fprintf(&out, "- %s\n", line)
	}
	out.WriteString("\n## Targets\n\n")
	table := [][]string{{"what", "target", "measured", ""}}
	for _, r := range b.rows() {
		table = append(table, []string{r.what, r.target, r.measured, string(r.verdict)})
	}
	write(&out, table)
	out.WriteString("\n## The course of it\n\n" +
		"Forged is answered 4xx, repeated is what was genuine once or may be asked back, sent away is 503 without a look. Memory and log are the server's, at the end.\n\n")
	write(&out, b.course())
	out.WriteString("\n## Memory over time\n\nRSS each tenth of a phase.\n\n")
	write(&out, b.memory())
	out.WriteString("\n## Each source\n\n" +
		"CPU is all that the server used for a call, HTTP included, in an attack on this source alone, of calls that must be refused or are made up. " +
		"`go test -bench Refuse ./modules` has the adapter's part alone. Genuine times are the medians and the slowest, from when a callback was due to its acknowledgement.\n\n")
	write(&out, b.sources())
	return &out
}

// attacks are the phases with an attack.
func (b *bench) attacks() []*phase { return b.phases[1 : len(b.phases)-1] }

func (b *bench) rows() []row {
	fooled := 0
	for _, p := range b.attacks() {
		fooled += p.calls.total("", believed)
	}
	rows := []row{
		{"forged callbacks acknowledged", "0", fmt.Sprint(fooled), report.Of(fooled == 0)},
		{"genuine callbacks lost", "0", fmt.Sprint(b.lost), report.Of(b.lost == 0)},
	}
	for _, p := range b.attacks() {
		rows = append(rows, b.genuineRows(p)...)
		rows = append(rows, b.askedRow(p))
	}
	grown, calls := b.growth()
	rows = append(rows, row{"memory grown by the attacks", "≤ " + report.MiB(maxGrowth),
		fmt.Sprintf("%s over %s calls", report.MiB(float64(grown)), report.Count(float64(calls))), report.Of(grown <= maxGrowth)})
	wrote, seconds := int64(0), 0.0
	for _, p := range b.attacks() {
		wrote, seconds = wrote+p.after.log-p.before.log, seconds+p.after.at.Sub(p.before.at).Seconds()
	}
	each := float64(wrote) / seconds / float64(len(b.site.accounts))
	rows = append(rows, row{"log, a second and source", "≤ " + report.KiB(maxLog), report.KiB(each), report.Of(each <= maxLog)})
	dearest := slices.MaxFunc(b.each, func(x, y cost) int { return int(x.cpu - y.cpu) })
	rows = append(rows, row{"CPU of the dearest call", "stated", fmt.Sprintf("%s (%s)", report.Micros(dearest.cpu), dearest.source), report.Stated})
	last := b.phases[len(b.phases)-1].told.sum()
	return append(rows, row{"genuine callbacks, p99 after it all", "stated", report.Micros(last.part(.99)), report.Stated})
}

// genuineRows says what became of genuine callbacks during an attack. Where nothing is signed and all come from one address,
// nothing tells the provider from a stranger: that is stated for itself.
func (b *bench) genuineRows(p *phase) []row {
	var signed, open []string
	for _, a := range b.site.accounts {
		switch {
		case !a.pays():
		case a.name == classic && p.from == sameHome:
			open = append(open, a.name)
		default:
			signed = append(signed, a.name)
		}
	}
	o, quiet := p.told.sum(signed...), b.phases[0].told.sum(signed...)
	rows := []row{
		{"genuine callbacks, p99 during the " + p.name, fmt.Sprintf("≤ %v", maxAnswer),
			fmt.Sprintf("%s (before %s)", report.Micros(o.part(.99)), report.Micros(quiet.part(.99))), report.Of(o.part(.99) <= maxAnswer)},
		{"genuine callbacks sent away or refused during it", "0", fmt.Sprintf("%d of %d", o.away+o.refused, len(o.payments)),
			report.Of(o.away+o.refused == 0)},
	}
	for _, name := range open {
		o := p.told.sum(name)
		rows = append(rows, row{"the same of " + name + ", which is not signed", "stated",
			fmt.Sprintf("%d times, of %d that came again until they were acknowledged", o.away+o.refused, len(o.payments)), report.Stated})
	}
	return rows
}

// askedRow says how often APIs were asked on behalf of strangers. From the provider's own address they have its lane.
func (b *bench) askedRow(p *phase) row {
	asking, genuine := 0, 0
	for _, a := range b.site.accounts {
		if a.api != nil {
			asking++
			genuine += len(p.told.sum(a.name).payments)
		}
	}
	seconds := p.after.at.Sub(p.before.at).Seconds()
	strangers := float64(p.after.asked-p.before.asked) - float64(genuine)
	r := row{"questions to APIs beyond those of genuine callbacks", "", fmt.Sprintf("%.0f", strangers), ""}
	limit := float64(asking) * (maxAsked*seconds + spareAsked)
	if p.from == sameHome {
		limit = float64(asking) * (maxAskedAtHome*seconds + spareAskedAtHome)
	}
	r.target, r.verdict = fmt.Sprintf("≤ %.0f, over %d sources", limit, asking), report.Of(strangers <= limit)
	return r
}

// growth returns how many bytes memory grew by from when the attack was well under way to its end, beyond what genuine
// callbacks leave behind, and how many calls there were.
func (b *bench) growth() (bytes int64, calls int) {
	for _, p := range b.attacks() {
		calls += p.calls.total("")
	}
	all := b.attacks()
	first, last := all[0], all[len(all)-1]
	from := first.before
	if n := len(first.samples); n > 0 {
		from = first.samples[n/2]
	}
	genuine := 0
	for _, p := range b.attacks() {
		genuine += len(p.told.sum().payments)
	}
	return last.after.rss - from.rss - int64(genuine)*kept, calls
}

func (b *bench) course() [][]string {
	table := [][]string{{"", "calls a second", "forged", "repeated", "sent away", "other", "CPU", "genuine p50", "p99", "RSS", "log"}}
	for _, p := range b.phases {
		seconds := p.after.at.Sub(p.before.at).Seconds()
		n, good, bad, away := p.calls.total(""), p.calls.total("", 200, 202, 204), p.calls.total("", 400, 401, 403), p.calls.total("", 503)
		o := p.told.sum()
		table = append(table, []string{
			p.name, report.Count(float64(n) / seconds), report.Count(float64(bad)), report.Count(float64(good)), report.Count(float64(away)),
			fmt.Sprint(n - good - bad - away), fmt.Sprintf("%.0f %%", (p.after.cpu-p.before.cpu).Seconds()/seconds*100),
			report.Micros(o.part(.5)), report.Micros(o.part(.99)), report.MiB(float64(p.after.rss)), report.KiB(float64(p.after.log)),
		})
	}
	return table
}

func (b *bench) memory() [][]string {
	head := []string{""}
	for i := range 10 {
		head = append(head, fmt.Sprintf("%d", i+1))
	}
	table := [][]string{head}
	for _, p := range b.phases {
		line := []string{p.name}
		for i := range 10 {
			cell := ""
			if n := len(p.samples); n > 0 {
				cell = fmt.Sprintf("%.1f", float64(p.samples[min(n-1, i*n/10)].rss)/(1<<20))
			}
			line = append(line, cell)
		}
		table = append(table, line)
	}
	return table
}

func (b *bench) sources() [][]string {
	table := [][]string{{"source", "CPU a call", "calls a second", "sent away", "asked a second", "genuine before", "during attacks", "sent away"}}
	for _, c := range b.each {
		during := outcome{}
		for _, p := range b.attacks() {
			o := p.told.sum(c.source)
			during.took, during.away = append(during.took, o.took...), during.away+o.away
		}
		slices.Sort(during.took)
		before := b.phases[0].told.sum(c.source)
		times := func(o outcome) string {
			if len(o.took) == 0 {
				return ""
			}
			return report.Micros(o.part(.5)) + " / " + report.Micros(o.part(1))
		}
		table = append(table, []string{
			c.source, report.Micros(c.cpu), report.Count(float64(c.calls) / c.took.Seconds()),
			fmt.Sprintf("%.0f %%", float64(c.away)/float64(max(c.calls, 1))*100), fmt.Sprintf("%.0f", float64(c.asked)/c.took.Seconds()),
			times(before), times(during), fmt.Sprint(during.away),
		})
	}
	return table
}

// write writes a table of Markdown, with columns of the same width.
func write(out *bytes.Buffer, table [][]string) {
	width := make([]int, len(table[0]))
	for _, line := range table {
		for i, cell := range line {
			width[i] = max(width[i], 3, len([]rune(cell)))
		}
	}
	for n, line := range table {
		for i, cell := range line {
			fmt.Fprintf(out, "| %s%s ", cell, strings.Repeat(" ", width[i]-len([]rune(cell))))
		}
		out.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i := range line {
			out.WriteString("|" + strings.Repeat("-", width[i]+2))
		}
		out.WriteString("|\n")
	}
}
