package transport_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// TestSlowBodyForNobody posts half a body to a source that is not configured: nobody verifies it, but the route bounds it.
func TestSlowBodyForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := new(handler)
		s := newSite(t, transporttest.Options{Server: transport.Options{Callbacks: late}})
		late.Handler = callback.NewRoute(callback.RouteOptions{Relay: s.Relay, Metrics: s.Metrics, Log: s.Logger, MaxBody: 1 << 20}, nil)
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		begin := time.Now()
		if _, err := io.WriteString(conn, "POST /v1/callbacks/nope HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 404 ") {
			t.Errorf("%q, %v", all, err)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("took %s, want 10s", took)
		}
	})
}

// TestSlowBodyNearCallbacks posts half a body to paths that only look like a callback's: nobody but the server bounds
// those.
func TestSlowBodyNearCallbacks(t *testing.T) {
	for _, path := range []string{"/v1/callbacks/", "/v1/callbacks/a/b", "/v1/callbacks/../callbacks/shop", "/v1/callbacks//shop"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, transporttest.Options{})
			conn, err := s.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			begin := time.Now()
			if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}"); err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 404 ") {
				t.Errorf("%s: %q, %v", path, all, err)
			}
			if took := time.Since(begin); took != 15*time.Second {
				t.Errorf("%s took %s, want 15s", path, took)
			}
		})
	}
}
