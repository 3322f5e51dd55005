//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/integration/harness"
	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/report"
)

// describe returns lines about the machine and the run.
func (b *bench) describe(ctx context.Context, module string) []string {
	lines := []string{time.Now().UTC().Format("2006-01-02 15:04 MST") + ", size " + b.name}
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	total, _ := proc.Total()
	lines = append(lines, fmt.Sprintf("%d cores, %s, %s of memory, Linux %s", len(proc.Cores()), model(),
		report.MiB(float64(total)), unix.ByteSliceToString(kernel.Release[:])))
	program := harness.Describe(ctx, module, b.servers.sse.Program)
	lines = append(lines, "Tillbell: "+program+"; generator: "+runtime.Version())
	if b.servers.nchanSSE == nil {
		lines = append(lines, "Nchan: not installed, so nothing is compared with it")
	} else {
		// nginx writes its version to standard error.
		out, _ := exec.CommandContext(ctx, "nginx", "-v").CombinedOutput()
		lines = append(lines, "Nchan: module of "+strings.TrimSpace(string(out)))
	}
	if b.serverCore < 0 {
		lines = append(lines, "one core for server and generator together: compare nothing with other machines")
	} else {
		lines = append(lines, fmt.Sprintf("server on core %d (Go: GOMAXPROCS=1), generator on core %d", b.serverCore, b.loadCore))
	}
	if b.name != full.name {
		lines = append(lines, "the targets are those of a full run: this one shows that everything works, and roughly how well")
	}
	return append(lines, fmt.Sprintf("rounds: %d; memory: one, read %v after the last waiter came", b.rounds, b.settle))
}

// model returns what the processor calls itself.
func model() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
