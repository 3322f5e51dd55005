//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func small() options {
	return options{n: 2000, few: 100, rate: 1000, rounds: 1, window: 50 * time.Millisecond, heartbeat: 400 * time.Millisecond}
}

// TestRun goes through all of it with a small crowd.
func TestRun(t *testing.T) {
	o := small()
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	r := newRun(o, io.Discard)
	if err := r.measure(t.Context()); err != nil {
		t.Fatalf("%s: %v", r.step, err)
	}
	if err := r.figures.checkLeft(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var f figures
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &f); err != nil {
		t.Fatal(err)
	}
	if f.Told != 2000 || f.Posted != 2*50+2000 || f.Heartbeats == 0 || f.Idle.RSS == 0 || f.LatencyAll.P50 == 0 {
		t.Errorf("figures are %+v", f)
	}
	if f.Left > 500_000 { // 250 bytes each, and one that is kept has more
		t.Errorf("%d bytes are left", f.Left)
	}
}

// TestLimit ends a run whose time is over.
func TestLimit(t *testing.T) {
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(over)
	if err := newRun(small(), io.Discard).measure(ctx); !errors.Is(err, over) {
		t.Errorf("error is %v", err)
	}
}
