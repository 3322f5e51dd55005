//go:build linux

package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// shell returns a process that runs a script, and what it says when it ends by itself.
func shell(t *testing.T, script string) (*Process, chan string) {
	t.Helper()
	crashes := make(chan string, 10)
	p := &Process{Name: "shell", command: []string{"sh", "-c", script}, log: filepath.Join(t.TempDir(), "log"),
		ready: func(context.Context) error { return nil }, crashed: func(what string) { crashes <- what }}
	t.Cleanup(p.Kill)
	return p, crashes
}

func TestKill(t *testing.T) {
	p, crashes := shell(t, "exec sleep 60")
	for range 2 {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		pid := p.Pid()
		p.Kill()
		if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
			t.Errorf("the process %d is there: %v", pid, err)
		}
	}
	p.Kill() // twice does nothing
	select {
	case what := <-crashes:
		t.Errorf("a process that was killed ended by itself: %s", what)
	default:
	}
}

// TestCrash says that a process ended by itself, and starts it again.
func TestCrash(t *testing.T) {
	p, crashes := shell(t, "echo something is wrong >&2; exit 3")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if what := <-crashes; !strings.Contains(what, "something is wrong") || !strings.Contains(what, "exit status 3") {
			t.Errorf("%q", what)
		}
	}
}

func TestPause(t *testing.T) {
	p, _ := shell(t, "exec sleep 60")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	state := func() string {
		b, err := os.ReadFile("/proc/" + itoa(p.Pid()) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))[0]
	}
	p.Pause()
	for state() != "T" { // the signal is on its way
	}
	p.Resume()
	for state() == "T" {
	}
}

// TestStop ends a process in good order.
func TestStop(t *testing.T) {
	p, crashes := shell(t, "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for p.lastLine() != "ready" { // the trap is set
	}
	p.Stop()
	select {
	case what := <-crashes:
		t.Error(what)
	default:
	}
}
