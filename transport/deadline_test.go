package transport_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport/transporttest"
)

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
