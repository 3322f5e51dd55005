// Package harness has what the programs that measure and break Tillbell have in common: they build what they run, say
// what it is and where, make certificates for it, and keep their reports.
package harness

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Module returns the folder of the module that this is run in.
func Module(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build builds a package as `make build` does, unless given names a program that is there already, and returns the
// program's path. The package may be one of the module or of those that it requires; the program lies in dir.
func Build(ctx context.Context, module, pkg, dir, name, given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	program := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build %s: %w", pkg, err), errors.New(string(bytes.TrimSpace(out))))
	}
	return program, nil
}

// Describe says which Go has built the program, and the module's revision: a program that is measured does not hold it.
func Describe(ctx context.Context, module, program string) string {
	text := "unknown"
	if info, err := buildinfo.ReadFile(program); err == nil {
		text = info.GoVersion
	}
	out, err := exec.CommandContext(ctx, "git", "-C", module, "describe", "--always", "--dirty").Output()
	if err == nil {
		text += ", revision " + strings.TrimSpace(string(out))
	}
	return text
}

// Results returns the file in which a report is kept that began at the time: in the folder results of integration/owner,
// by the minute in UTC, with the suffix.
func Results(module, owner string, at time.Time, suffix string) string {
	return filepath.Join(module, "integration", owner, "results", at.UTC().Format("2006-01-02-1504")+suffix+".md")
}

// Keep writes a report to standard output and to the file, whose folder is made if it is not there.
func Keep(report io.WriterTo, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = report.WriteTo(io.MultiWriter(os.Stdout, f))
	if err = errors.Join(err, f.Close()); err == nil {
		fmt.Fprintln(os.Stderr, "written to", file)
	}
	return err
}
