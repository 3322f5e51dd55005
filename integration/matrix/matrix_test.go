//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/matrix/browser"
	"github.com/tillbell/tillbell/integration/matrix/network"
)

// need skips the test where something is missing, or fails it if TILLBELL_TEST_REQUIRE_TOOLS is 1.
func need(t *testing.T, missing string) {
	t.Helper()
	if missing == "" {
		return
	}
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
		t.Fatal(missing + ", and TILLBELL_TEST_REQUIRE_TOOLS=1 demands it")
	}
	t.Skip(missing)
}

// racing builds the server with the race detector where there is a C compiler for it, and returns its path.
func racing(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tillbell")
	args := []string{"build", "-o", program}
	if out, err := exec.CommandContext(t.Context(), "go", "env", "CGO_ENABLED").Output(); err == nil && strings.TrimSpace(string(out)) == "1" {
		args = append(args, "-race")
	}
	build := exec.CommandContext(t.Context(), "go", append(args, "github.com/tillbell/tillbell")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// play runs the cells that the expression fits and returns the report.
func play(t *testing.T, only, program string) (string, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	if _, err := browser.Find(); err != nil {
		need(t, err.Error())
	}
	t.Setenv("TMPDIR", t.TempDir())
	o := options{quick: true, only: regexp.MustCompile(only), lanes: 4, binary: program, out: filepath.Join(t.TempDir(), "report.md")}
	err := run(t.Context(), o)
	text, readErr := os.ReadFile(o.out)
	if readErr != nil {
		t.Fatal(err, readErr)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	return string(text), err
}

// TestMatrix plays cells of four paths, with the server under the race detector.
func TestMatrix(t *testing.T) {
	const paths = "none|nginx, default buffering|haproxy|buffers until close"
	for _, p := range network.Paths() {
		if strings.Contains(paths, p.Name) {
			need(t, p.Missing())
		}
	}
	text, err := play(t, `^(`+paths+`)/(waiting|reload|offline)$`, racing(t))
	if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if !strings.Contains(text, "| 12 of 12 cells ") {
		t.Errorf("want twelve outcomes:\n%s", text)
	}
}

// TestNoOutcome: a program that only looks like the server fails its cells.
func TestNoOutcome(t *testing.T) {
	program := filepath.Join(t.TempDir(), "tillbell")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	text, err := play(t, `^none/waiting$`, program)
	if !errors.Is(err, errBad) || !strings.Contains(text, "**failed**") || !strings.Contains(text, "the server has ended") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestNoCell: a run of nothing shows nothing, and says so.
func TestNoCell(t *testing.T) {
	r := runner{options: options{only: regexp.MustCompile("^love/")}}
	if err := r.cells(t.Context()); !errors.Is(err, errNoCell) {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	o, err := flags(strings.Fields("-quick -require -only ^none/ -o file"))
	if err != nil || !o.quick || !o.require || o.only == nil || o.out != "file" || o.lanes < 1 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range []string{"-only (", "-lanes 0", "none", "-x"} {
		if _, err := flags(strings.Fields(args)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestChosen(t *testing.T) {
	none := network.Paths()[0]
	for _, c := range []struct {
		only string
		want bool
	}{{"", true}, {"^none/waiting$", true}, {"/waiting", true}, {"^nginx", false}} {
		r := runner{}
		if c.only != "" {
			r.only = regexp.MustCompile(c.only)
		}
		if got := r.chosen(none, states[0]); got != c.want {
			t.Errorf("%q: %v", c.only, got)
		}
	}
}

// TestCarrier: what told a page first is what it learnt its outcome by, whatever was asked for later, or by the document
// before.
func TestCarrier(t *testing.T) {
	before, began := time.Unix(999, 0), time.Unix(1000, 0)
	for _, c := range []struct {
		requests []browser.Request
		want     string
	}{
		{nil, "tab"},
		{[]browser.Request{{Kind: browser.State, At: began}, {Kind: browser.SSE, At: began}}, "tab"},
		{[]browser.Request{{Kind: browser.State, At: began, News: 2.5}, {Kind: browser.SSE, At: began, News: 2.25}}, browser.SSE},
		{[]browser.Request{{Kind: browser.WS, At: began, News: 1}, {Kind: browser.State, At: began, News: 3}}, browser.WS},
		{[]browser.Request{{Kind: browser.SSE, At: before, News: 1}, {Kind: browser.State, At: began, News: 3}}, browser.State},
	} {
		if got := carrier(c.requests, began); got != c.want {
			t.Errorf("%+v: %s, want %s", c.requests, got, c.want)
		}
	}
}

// TestJudge: a page that asks once too often is found out, and so is one that asks after its outcome.
func TestJudge(t *testing.T) {
	opened := time.Unix(1000, 0)
	for _, c := range []struct {
		name         string
		waited       time.Duration
		states       int // requests beside one for the stream
		disturbances int
		polls        int
		late         int
		want         int
	}{
		{name: "the first of each, and one", waited: 2 * time.Second, states: 2},
		{name: "one too many", waited: 2 * time.Second, states: 3, want: 1},
		{name: "one more each five seconds", waited: 11 * time.Second, states: 4},
		{name: "one too many in them", waited: 11 * time.Second, states: 5, want: 1},
		{name: "a look and a stream after a disturbance", waited: 2 * time.Second, states: 4, disturbances: 1},
		{name: "a poll that looks and one that is held", waited: 2 * time.Second, states: 2, polls: 2},
		{name: "a poll too many", waited: 2 * time.Second, states: 2, polls: 3, want: 1},
		{name: "after the outcome", waited: 2 * time.Second, states: 1, late: 2},
	} {
		requests := []browser.Request{{Kind: browser.SSE, At: opened}}
		for range c.states {
			requests = append(requests, browser.Request{Kind: browser.State, At: opened})
		}
		for range c.polls {
			requests = append(requests, browser.Request{Kind: browser.Poll, At: opened})
		}
		for range c.late {
			requests = append(requests, browser.Request{Kind: browser.State, At: opened.Add(c.waited + time.Second)})
		}
		n := count(requests, time.Time{}, time.Time{}, opened.Add(c.waited))
		if got := n.excess(c.waited, 1, c.disturbances); got != c.want || n.late != c.late {
			t.Errorf("%s: %d too many, %d late", c.name, got, n.late)
		}
	}
}

// TestAway: what a page asks while the network is away does not count.
func TestAway(t *testing.T) {
	second := func(n int64) time.Time { return time.Unix(1000+n, 0) }
	var requests []browser.Request
	for n := range int64(6) {
		requests = append(requests, browser.Request{Kind: browser.Poll, At: second(n)})
	}
	if n := count(requests, second(1), second(4), second(4)); n != (counts{asked: 3, firsts: 2, late: 1}) {
		t.Errorf("%+v", n)
	}
}

// TestNames: what is known by its name is there.
func TestNames(t *testing.T) {
	for _, name := range append([]string{cutting}, quickPaths...) {
		if !slices.ContainsFunc(network.Paths(), func(p network.Path) bool { return p.Name == name }) {
			t.Errorf("no path is called %q", name)
		}
	}
}

// TestQuick: the quick run has the first path in every state, the others that are named in some, and each of these is there.
func TestQuick(t *testing.T) {
	n := make(map[string]int)
	r := runner{options: options{quick: true}}
	for _, p := range network.Paths() {
		for _, st := range states {
			if r.chosen(p, st) {
				n[p.Name]++
			}
		}
	}
	if len(n) != len(quickPaths) || n["none"] != len(states) || n["haproxy"] == 0 || n["haproxy"] == len(states) {
		t.Errorf("%v", n)
	}
}

// TestStates: names are unique, for the table finds its cells by them.
func TestStates(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range states {
		if seen[s.Name] || s.Since == "" || s.play == nil {
			t.Errorf("%+v", s.State)
		}
		seen[s.Name] = true
	}
}
