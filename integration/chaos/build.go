//go:build linux

package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
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

// build builds a package, as `make build` does, unless there is a program already, and returns the program's path.
func build(ctx context.Context, root, pkg, dir, given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	program := filepath.Join(dir, filepath.Base(filepath.Join(root, pkg)))
	if pkg != "." {
		program = filepath.Join(dir, "nats-server")
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build %s: %w", pkg, err), errors.New(string(bytes.TrimSpace(out))))
	}
	return program, nil
}

// describe returns lines about the machine and the run.
func (r *runner) describe(ctx context.Context, module string) []string {
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	program := "unknown"
	if info, err := buildinfo.ReadFile(r.program); err == nil {
		program = info.GoVersion
	}
	if out, err := exec.CommandContext(ctx, "git", "-C", module, "describe", "--always", "--dirty").Output(); err == nil {
		program += ", revision " + strings.TrimSpace(string(out))
	}
	return []string{
		time.Now().UTC().Format("2006-01-02 15:04 MST"),
		fmt.Sprintf("%d cores, shared by servers and generator, Linux %s", runtime.NumCPU(), unix.ByteSliceToString(kernel.Release[:])),
		"Tillbell: " + program + "; generator: " + runtime.Version(),
	}
}
