// Package integration_test runs the whole program: the binary as it is shipped, real sockets, real signals, and clients
// that other people wrote.
//
// What a test needs besides Go is used where it is installed; a test that misses something is skipped and says what.
// With TILLBELL_TEST_REQUIRE_TOOLS=1 it fails instead.
package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binary is the program under test, built by TestMain: with the race detector where there is a C compiler for it.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tillbell-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tillbell")
	args := []string{"build", "-o", binary}
	if canRace() {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, module)...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// canRace reports whether the go command would use cgo, which the race detector needs.
func canRace() bool {
	out, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	return err == nil && strings.TrimSpace(string(out)) == "1"
}

// need skips the test if a tool is missing, and returns where it is otherwise. Any of the names will do.
func need(t *testing.T, names ...string) string {
	t.Helper()
	path := findTool(names...)
	if path == "" {
		missing(t, strings.Join(names, " or ")+" is not installed")
	}
	return path
}

// findTool returns where the first of the programs is that is installed, or "".
func findTool(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// needNode skips the test if Node.js or the npm packages are missing.
func needNode(t *testing.T) {
	t.Helper()
	need(t, "node")
	if _, err := os.Stat("testdata/npm/node_modules"); err != nil {
		missing(t, "the npm packages are not installed: run make clients")
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
		t.Fatal(what + ", and TILLBELL_TEST_REQUIRE_TOOLS=1 demands it")
	}
	t.Skip(what)
}
