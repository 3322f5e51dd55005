//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDelays(t *testing.T) {
	l := newLedger(testRun)
	l.open(7, "paid", func(int) uint32 { return 0 })
	b := l.open(3, "pending", func(i int) uint32 { return uint32(10 - i) })
	if err := l.told(7, 10, []byte("pending"), 5); err == nil || !strings.Contains(err.Error(), "before it was posted") {
		t.Errorf("told what was not posted: %v", err)
	}
	for i, took := range []time.Duration{30, 10, 20} {
		b.rows[i].due.Store(100)
		b.rows[i].sent.Store(int64(100 + took/2))
		if err := l.told(uint64(7+i), uint32(10-i), []byte("pending"), 100+took); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	told, sent := b.delays()
	if !slices.Equal(told, []time.Duration{10, 20, 30}) || !slices.Equal(sent, []time.Duration{5, 10, 15}) {
		t.Errorf("delays are %v, %v", told, sent)
	}
	if err := l.told(3, 0, []byte("paid"), 1); err == nil {
		t.Error("told a callback of the batch before")
	}
}

func TestPercentile(t *testing.T) {
	var sorted []time.Duration
	for i := range 200 {
		sorted = append(sorted, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 100, 0.99: 198, 1: 200} {
		if got := percentile(sorted, p); got != want {
			t.Errorf("p%v is %d, want %d", 100*p, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("of none: %d", got)
	}
}
