//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/report"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "generate" { // bench starts its own program
		exit(generator.Main(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// TestRun makes all measurements as small as they can be. It shows that requests and callbacks fit every server, that
// nothing is lost, and that nothing is left running.
func TestRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	tiny := size{
		name: "test", rounds: 1, settle: 10 * time.Millisecond, window: 200 * time.Millisecond, warmup: 50 * time.Millisecond,
		waiters: 40, most: 400, starts: 1, fanouts: 1,
	}
	file := t.TempDir() + "/report.md"
	if err := run(t.Context(), options{size: tiny, out: file}); err != nil && !strings.Contains(err.Error(), "rows could not be measured") {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 8 {
		if !strings.Contains(string(text), "\n| "+string(rune('1'+n))+" ") {
			t.Errorf("no row of measurement %d", n+1)
		}
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, string(report.Unmeasured)) && !strings.Contains(line, "not installed") {
			t.Error(line)
		}
		if strings.Contains(line, "missing") || strings.Contains(line, "lost on the way") && !strings.Contains(line, "| 0 and 0 ") {
			t.Error(line)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	if tree := proc.Tree(os.Getpid()); len(tree) != 1 {
		t.Errorf("processes %d are left", tree[1:])
	}
}

func TestRunRefused(t *testing.T) {
	o := options{size: small}
	o.many = 1 << 40
	if err := run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "does not allow 1099511627776 waiters") {
		t.Errorf("%v", err)
	}
}

func TestChosen(t *testing.T) {
	for list, want := range map[string][]int{"": {1, 2, 3, 4, 5, 6, 7, 8, 9}, "3": {3}, "9, 1,9": {1, 9}} {
		if got, err := chosen(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %d, %v", list, got, err)
		}
	}
	for _, list := range []string{"0", "10", "x", "1,,2"} {
		if got, err := chosen(list); err == nil {
			t.Errorf("%q: %d", list, got)
		}
	}
}
