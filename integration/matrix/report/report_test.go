package report

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var (
	waiting = State{Name: "waiting", Since: "the acknowledgement", Live: true}
	offline = State{Name: "offline", Since: "being online", Slow: true}
)

func ms(n ...int) []time.Duration {
	var all []time.Duration
	for _, v := range n {
		all = append(all, time.Duration(v)*time.Millisecond)
	}
	return all
}

// cell is one that took as long as the median of the runs.
func cell(path string, s State, runs ...int) Cell {
	c := Cell{Path: path, State: s, Flows: true, By: []string{"sse"}, Runs: ms(runs...), Requests: 2}
	c.Took = Median(c.Runs)
	return c
}

func written(t *testing.T, cells ...Cell) string {
	t.Helper()
	r := Report{Machine: []string{"a machine"}, States: []State{waiting, offline}, Cells: cells, Missing: []string{"squid: squid is not installed"}}
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wants checks that the text has the lines, whose cells may be padded.
func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	squeezed := strings.Join(strings.Fields(text), " ")
	for _, line := range lines {
		if !strings.Contains(squeezed, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

func TestMet(t *testing.T) {
	back := cell("haproxy", offline, 7300)
	back.By, back.Cached = []string{"sse", "tab"}, true
	wants(t, written(t, cell("none", waiting, 0, 12, 900), cell("none", offline, 40), cell("haproxy", waiting, 8), back),
		"| every page shows its outcome | 4 of 4 cells | met |",
		"| 10 ms, of 4 times | met |",
		"| at most 12 ms: none, waiting | met |",
		"| at most 7.3 s: haproxy, offline | stated |",
		"page or its network comes back | 0 cells made more | met |",
		"| none after the outcome | 0 cells made some | met |",
		"| none | 12 ms sse | 40 ms sse |",
		"| haproxy | 8 ms sse | 7.3 s sse, tabᵇ |",
		"- waiting: the acknowledgement",
		"- left out: squid: squid is not installed")
}

func TestMissed(t *testing.T) {
	failed := cell("a", waiting)
	failed.Failed, failed.By = errors.New("no outcome\nwithin a while"), nil
	eager, late := cell("b", offline, 1), cell("c", offline, 1)
	eager.Excess, late.Late = 3, 2
	slow := cell("b", waiting, 5100)
	slow.Flows, slow.By = false, []string{"state"}
	text := written(t, failed, cell("a", offline, 1), slow, eager, cell("c", waiting, 60), late)
	wants(t, text,
		"| 5 of 6 cells | **missed** |",
		"| 60 ms, of 1 times | **missed** |",
		"| at most 5.1 s: b, waiting | **missed** |",
		"| 1 cells made more | **missed** |",
		"| 1 cells made some | **missed** |",
		"| a | **failed** | 1 ms sse |",
		"| b | 5.1 s state† | 1 ms sse‡ |",
		"| c | 60 ms sse° | 1 ms sse‡ |",
		"- a/waiting: no outcome within a while",
		"- b/offline: 2 requests, 3 too many, 0 after the outcome",
		"- c/offline: 2 requests, 0 too many, 2 after the outcome")
}

// TestBad: what fails a run is a page without its outcome, one that hammers, or one that is slower than a busy machine makes
// it, unless its network is away.
func TestBad(t *testing.T) {
	busy, slow, away := cell("a", waiting, 9_000), cell("a", waiting, 10_000), cell("a", offline, 20_000)
	failed, eager, late := busy, busy, busy
	failed.Failed, eager.Excess, late.Late = errors.New("x"), 1, 1
	if busy.Bad() || away.Bad() || !slow.Bad() || !failed.Bad() || !eager.Bad() || !late.Bad() {
		t.Error(busy.Bad(), away.Bad(), slow.Bad(), failed.Bad(), eager.Bad(), late.Bad())
	}
}

// TestEmpty: a run without cells has its targets and nothing to say of them.
func TestEmpty(t *testing.T) {
	wants(t, written(t), "| 0 of 0 cells | met |", "| no such cell |")
}
