package transport_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

func TestEndOf(t *testing.T) {
	for err, want := range map[error]transport.End{
		relay.ErrDone:       {Code: "done", Status: 204, Close: 1000},
		relay.ErrExpired:    {Code: "expired", Status: 410, Close: 4410},
		relay.ErrSlow:       {Code: "slow", Status: 503, Close: 4503, Return: true},
		relay.ErrClosing:    {Code: "closing", Status: 503, Close: 1001, Return: true},
		relay.ErrFull:       {Code: "limit", Status: 503, Close: 1013, Return: true},
		relay.ErrCrowded:    {Code: "limit", Status: 429, Close: 1013, Return: true},
		errors.New("other"): {Code: "internal", Status: 500, Close: 1011, Return: true},
	} {
		if got := transport.EndOf(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
		if got := transport.EndOf(err).Limit(); got != (want.Code == "limit") {
			t.Errorf("%v: Limit is %t", err, got)
		}
	}
}

func TestJitter(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 100 {
		d := transport.Jitter()
		if d < 500*time.Millisecond || d >= 5*time.Second {
			t.Errorf("%s", d)
		}
		seen[d] = true
	}
	if len(seen) < 90 {
		t.Errorf("%d different ones of 100", len(seen))
	}
}
