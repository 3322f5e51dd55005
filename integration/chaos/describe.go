//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/integration/harness"
)

// describe returns lines about the machine and the run.
func (r *runner) describe(ctx context.Context, module string) []string {
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	program := harness.Describe(ctx, module, r.program)
	return []string{
		time.Now().UTC().Format("2006-01-02 15:04 MST"),
		fmt.Sprintf("%d cores, shared by servers and generator, Linux %s", runtime.NumCPU(), unix.ByteSliceToString(kernel.Release[:])),
		"Tillbell: " + program + "; generator: " + runtime.Version(),
	}
}
