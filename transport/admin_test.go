package transport_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// TestAdmin asks the admin listener on a loopback address, by names that are this machine's and one that is not.
func TestAdmin(t *testing.T) {
	admin := startAdmin(t, "127.0.0.1:0")
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:9090": true, "127.0.0.1": true, "127.0.0.1:1": true, "[::1]": true, "[::1]:9090": true, "127.9.9.9": true,
		"evil.example": false, "evil.example:9090": false, "localhost.evil.example": false, "10.0.0.1": false, "0.0.0.0": false,
	} {
		for path, text := range map[string]string{"/metrics": "go_goroutines", "/debug/pprof/": "goroutine"} {
			resp, body := ask(t, "http://"+admin.Addr().String()+path, host, "")
			if got := resp.StatusCode == 200 && strings.Contains(body, text); got != ok || !ok && resp.StatusCode != 403 {
				t.Errorf("%s of %s: status %d", path, host, resp.StatusCode)
			}
		}
	}
}

// TestAdminElsewhere asks it on an address that others reach: all but the metrics needs an API key.
func TestAdminElsewhere(t *testing.T) {
	admin := startAdmin(t, "0.0.0.0:0")
	_, port, err := net.SplitHostPort(admin.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, key string
		status    int
	}{
		{"/metrics", "", 200}, {"/debug/pprof/", "", 401}, {"/debug/pprof/cmdline", "wrong", 401},
		{"/debug/pprof/", transporttest.APIKey, 200}, {"/nothing", "", 401}, {"/nothing", transporttest.APIKey, 404},
	} {
		resp, _ := ask(t, "http://127.0.0.1:"+port+c.path, "tillbell.example", c.key)
		if resp.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", c.path, resp.StatusCode, c.status)
		}
	}
	admin.SetAccess(transport.NewAccess([]string{"another"}, nil, nil, ""))
	if resp, _ := ask(t, "http://127.0.0.1:"+port+"/debug/pprof/", "x", transporttest.APIKey); resp.StatusCode != 401 {
		t.Errorf("with the former key: status %d", resp.StatusCode)
	}
}

func TestAdminNotStarted(t *testing.T) {
	if err := newAdmin("127.0.0.1:0").Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := newAdmin("nonsense:port").Start(t.Context()); err == nil || !strings.Contains(err.Error(), "set admin to another address") {
		t.Errorf("start: %v", err)
	}
}

func newAdmin(addr string) *transport.Admin {
	return transport.NewAdmin(transport.AdminOptions{
		Addr: addr, Metrics: metrics.New(), Log: slog.New(slog.DiscardHandler),
		Access: transport.NewAccess([]string{transporttest.APIKey}, nil, nil, ""),
	})
}

func startAdmin(t *testing.T, addr string) *transport.Admin {
	t.Helper()
	admin := newAdmin(addr)
	if err := admin.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := admin.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return admin
}

func ask(t *testing.T, url, host, key string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}
