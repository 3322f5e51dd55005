//go:build linux

package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMemory(t *testing.T) {
	before, err := ReadMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	b := make([]byte, size)
	for i := 0; i < size; i += os.Getpagesize() {
		b[i] = 1
	}
	after, err := ReadMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(b)
	for name, d := range map[string]int64{
		"RSS": after.RSS - before.RSS, "PSS": after.PSS - before.PSS, "anonymous": after.Anonymous - before.Anonymous,
	} {
		if d < size*9/10 || d > size*4 { // the race detector keeps as much again
			t.Errorf("%s grows by %d for %d touched", name, d, size)
		}
	}
	if before.Anonymous >= before.RSS || before.PSS == 0 {
		t.Errorf("%+v", before)
	}
	if _, err := ReadMemory(1 << 30); err == nil {
		t.Error("a process that does not exist has memory")
	}
}

// TestCPU holds the clock of this process against getrusage.
func TestCPU(t *testing.T) {
	spent := func() time.Duration {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	low := spent()
	got, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const tick = 20 * time.Millisecond // getrusage may be that far behind
	if high := spent(); got < low-tick || got > high+tick {
		t.Errorf("%v, getrusage says %v to %v", got, low, high)
	}
	if twice, err := CPU(os.Getpid(), os.Getpid()); err != nil || twice < 2*got {
		t.Errorf("twice the process: %v, %v", twice, err)
	}
	if _, err := CPU(1 << 28); err == nil {
		t.Error("a process that does not exist has a clock")
	}
}

func TestClock(t *testing.T) {
	c, err := NewClock()
	if err != nil {
		t.Fatal(err)
	}
	if c.busy < c.own || c.own == 0 {
		t.Errorf("the machine was busy for %v, this process for %v", c.busy, c.own)
	}
	c.at, c.busy = c.at.Add(-time.Second), c.busy-time.Duration(runtime.NumCPU())*time.Second/2
	if share, err := c.Others(); err != nil || share < .4 || share > 1 {
		t.Errorf("others used %v, %v, want a half", share, err)
	}
	c.own -= time.Hour
	if share, err := c.Others(); err != nil || share != 0 {
		t.Errorf("others used %v, %v, want 0", share, err)
	}
}

func TestTree(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 60 & echo; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // the child has been started
		t.Fatal(err)
	}
	tree := Tree(cmd.Process.Pid)
	for _, pid := range slices.Backward(tree) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	_ = cmd.Wait()
	if len(tree) != 2 || tree[0] != cmd.Process.Pid {
		t.Errorf("%d and one child: %d", cmd.Process.Pid, tree)
	}
	if tree := Tree(cmd.Process.Pid); len(tree) != 1 {
		t.Errorf("ended: %d", tree)
	}
}

func TestPin(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := Cores()
	undo, err := Pin(before[len(before)-1])
	if err != nil {
		t.Fatal(err)
	}
	pinned := Cores()
	undo()
	if !slices.Equal(pinned, before[len(before)-1:]) || !slices.Equal(Cores(), before) {
		t.Errorf("cores %d, pinned %d, then %d", before, pinned, Cores())
	}
	if _, err := Pin(1000); err == nil {
		t.Error("pinned to a core that does not exist")
	}
}

func TestSync(t *testing.T) {
	dir := t.TempDir()
	p50, p99, err := Sync(dir)
	if err != nil || p50 <= 0 || p99 < p50 {
		t.Errorf("Sync = %v, %v, %v", p50, p99, err)
	}
	if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
		t.Errorf("it leaves %v, %v", left, err)
	}
	if _, _, err := Sync(filepath.Join(dir, "none")); err == nil {
		t.Error("Sync in a folder that does not exist")
	}
}
