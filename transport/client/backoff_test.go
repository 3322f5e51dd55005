package client

import (
	"testing"
	"time"
)

func TestPauseAfter(t *testing.T) {
	for failures := 1; failures < 100; failures++ {
		limit := min(maxBackoff, time.Second<<min(failures-1, 20))
		for range 100 {
			if p := pauseAfter(failures, 0); p < limit/2 || p > limit {
				t.Fatalf("after %d failures %v, want %v to %v", failures, p, limit/2, limit)
			}
		}
	}
	if p := pauseAfter(1, 20*time.Second); p < 20*time.Second || p > 25*time.Second {
		t.Errorf("asked for 20 s: %v", p)
	}
	if p := pauseAfter(1, 24*time.Hour); p < maxPause || p > 2*maxPause {
		t.Errorf("asked for a day: %v", p)
	}
}
