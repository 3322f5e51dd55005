//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// root returns the folder of the module that this is run in.
func root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build builds the server as `make build` does, unless there is one already, and returns its path.
func build(ctx context.Context, root, dir, given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	program := filepath.Join(dir, "tillbell")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build: %w", err), errors.New(string(bytes.TrimSpace(out))))
	}
	return program, nil
}

// describe returns lines about the machine and the run.
func (r *runner) describe(ctx context.Context, module string) []string {
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	revision := "unknown"
	if out, err := exec.CommandContext(ctx, "git", "-C", module, "describe", "--always", "--dirty").Output(); err == nil {
		revision = strings.TrimSpace(string(out))
	}
	return []string{
		time.Now().UTC().Format("2006-01-02 15:04 MST"),
		fmt.Sprintf("%d cores, Linux %s, %s", runtime.NumCPU(), unix.ByteSliceToString(kernel.Release[:]), r.stage.browser.Version()),
		"Tillbell: revision " + revision,
	}
}
