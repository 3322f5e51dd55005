package client_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client"
)

// TestAwaitLeavesNothing: when Await returns, no request of it is under way.
func TestAwaitLeavesNothing(t *testing.T) {
	everyWay(t, func(t *testing.T, transport string) {
		s := newServer(t, relay.Options{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		})
		trips := &trips{RoundTripper: s.client.Transport}
		o := s.options()
		o.Transport, o.HTTP = transport, &http.Client{Transport: trips}
		for _, life := range []time.Duration{time.Second, 5 * time.Second, 11 * time.Second} {
			ctx, stop := context.WithTimeout(t.Context(), life)
			if _, err := client.Await(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Await: %v", err)
			}
			if n := trips.open.Load(); n != 0 {
				t.Errorf("%d requests are under way after %v", n, life)
			}
			stop()
		}
	})
}

// trips counts the requests that are under way, each for a moment longer than it takes.
type trips struct {
	http.RoundTripper
	open atomic.Int64
}

func (c *trips) RoundTrip(r *http.Request) (*http.Response, error) {
	c.open.Add(1)
	defer func() {
		time.Sleep(time.Millisecond)
		c.open.Add(-1)
	}()
	return c.RoundTripper.RoundTrip(r)
}
