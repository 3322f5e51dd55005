//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/modules"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "attack" { // run starts its own program
		exit(attackMain(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// TestRun makes a run as small as it can be. It shows that the attack finds every source, that no genuine callback is lost
// or sent away meanwhile, and that nothing is left running.
func TestRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	file := t.TempDir() + "/report.md"
	o := options{name: "test", quiet: time.Second, attack: time.Second, each: 20 * time.Millisecond, conns: 8, rate: 60, out: file}
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range modules.Adapters {
		if !strings.Contains(string(text), "\n| "+a.About.Name+" ") {
			t.Errorf("no row of %s", a.About.Name)
		}
	}
	judged := 0
	for line := range strings.Lines(string(text)) {
		for _, what := range []string{"| forged callbacks acknowledged ", "| genuine callbacks lost ", "| genuine callbacks sent away ", "| questions to APIs "} {
			if strings.HasPrefix(line, what) {
				judged++
				if !strings.Contains(line, "| met ") {
					t.Error(line)
				}
			}
		}
	}
	if judged != 2+2*3 {
		t.Errorf("%d rows do not depend on the machine, want 8", judged)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	if tree := proc.Tree(os.Getpid()); len(tree) != 1 {
		t.Errorf("processes %d are left", tree[1:])
	}
}

func TestTally(t *testing.T) {
	all := make(tally)
	all.add("a", 401, 3)
	all.add("a", 503, 1)
	all.add("b", 401, 2)
	for _, c := range []struct {
		source   string
		statuses []int
		want     int
	}{{"", nil, 6}, {"a", nil, 4}, {"", []int{401}, 5}, {"a", []int{401, 503}, 4}, {"c", nil, 0}} {
		if n := all.total(c.source, c.statuses...); n != c.want {
			t.Errorf("%q %v: %d, want %d", c.source, c.statuses, n, c.want)
		}
	}
}

func TestPart(t *testing.T) {
	var o outcome
	if o.part(.99) != 0 {
		t.Error("of none there is some")
	}
	for i := range 200 {
		o.took = append(o.took, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, .5: 101, .99: 199, 1: 200} {
		if got := o.part(p); got != want {
			t.Errorf("part %g: %d, want %d", p, got, want)
		}
	}
}
