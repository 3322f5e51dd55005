//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
)

// quickly runs one fault for a few seconds and returns the report.
func quickly(t *testing.T, o options) (string, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	o.out, o.watch = filepath.Join(t.TempDir(), "report.md"), 10
	err := run(t.Context(), o)
	text, readErr := os.ReadFile(o.out)
	if readErr != nil {
		t.Fatal(err, readErr)
	}
	return string(text), err
}

// TestDisk kills a relay with the disk engine.
func TestDisk(t *testing.T) {
	text, err := quickly(t, options{engines: []string{cluster.Disk}, faults: []string{"kill"}, time: 4 * time.Second, rate: 500, patience: 30 * time.Second})
	if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestMemory kills a relay with the memory engine, which forgets: the checks must find that.
func TestMemory(t *testing.T) {
	text, err := quickly(t, options{engines: []string{cluster.Memory}, faults: []string{"kill"}, time: time.Second, rate: 200, patience: 3 * time.Second})
	if !errors.Is(err, errBroken) || !strings.Contains(text, "- lost: ") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestNotRun lists what cannot be injected, and fails for it where that is demanded.
func TestNotRun(t *testing.T) {
	for _, require := range []bool{false, true} {
		r := runner{options: options{engines: []string{cluster.Disk}, faults: []string{"clock steps"}, require: require}}
		if err := r.rows(t.Context()); errors.Is(err, errBroken) != require || r.report.Rows[0].NotRun == "" {
			t.Errorf("require %v: %v, %+v", require, err, r.report.Rows)
		}
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]options{
		"":                           {engines: []string{"disk", "nats-embedded", "nats"}, time: 30 * time.Minute},
		"-quick":                     {engines: []string{"disk", "nats-embedded"}, time: 20 * time.Second},
		"-engines memory -minutes 2": {engines: []string{"memory"}, time: 2 * time.Minute},
		"-faults pause,full.disk":    {engines: []string{"disk", "nats-embedded", "nats"}, time: 30 * time.Minute, faults: []string{"pause", "full disk"}},
	} {
		words := strings.Fields(args)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], ".", " ")
		}
		o, err := flags(words)
		if err != nil || !slices.Equal(o.engines, want.engines) || o.time != want.time || want.faults != nil && !slices.Equal(o.faults, want.faults) {
			t.Errorf("%q: %+v, %v", args, o, err)
		}
	}
	for _, args := range []string{"-engines oracle", "-faults love", "-minutes x"} {
		if _, err := flags(strings.Fields(args)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
