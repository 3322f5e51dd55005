package modules

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

// port returns an address of this machine that nobody listens on.
func port(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// TestWaitsForCluster runs a node whose peers are not there: it says that it lives, serves nothing, and ends when it is told to.
func TestWaitsForCluster(t *testing.T) {
	listen := port(t)
	c := read(t, "listen: "+listen+"\nadmin: ''\nengine: nats-embedded\ncluster: {name: a, listen: '"+port(t)+
		"', peers: ['127.0.0.1:1', '127.0.0.1:2'], dir: "+t.TempDir()+"}")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said := &logged{grew: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- Program{Config: c, Log: said, Started: func(*transport.Server) error {
			t.Error("it serves without its cluster")
			return nil
		}}.Run(ctx)
	}()
	said.wait(ctx, t, "waiting for the cluster: 1 of 3 nodes, missing 127.0.0.1:1 (connection refused), 127.0.0.1:2 (connection refused)")
	for _, ask := range []struct{ path, want string }{
		{"/healthz", `200 {"status":"ok"}`},
		{"/readyz", `"code":"starting"`},
		{"/v1/payments/order-1", `"code":"starting"`},
		{"/v1/payments/order-1/sse", "EOF"},
	} {
		if got := answer(ctx, t, "http://"+listen+ask.path); !strings.Contains(got, ask.want) {
			t.Errorf("%s: %s, want %s", ask.path, got, ask.want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
	// Everything is given back.
	for _, address := range []string{listen, c.Cluster.Listen} {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
	}
}

func answer(ctx context.Context, t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(resp.Status, " "+http.StatusText(resp.StatusCode)) + " " + string(text)
}

// logged is a log that a test waits for lines of.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
	grew chan struct{}
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.grew <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) wait(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.grew:
		case <-ctx.Done():
			t.Fatalf("%q is not logged:\n%s", text, l)
		}
	}
}

// TestEngines opens each engine that needs nothing else, twice over the same place and with another retention, and sees
// what the second finds.
func TestEngines(t *testing.T) {
	for _, test := range []struct {
		document string
		keeps    bool
	}{
		{"engine: memory", false},
		{"engine: disk:" + t.TempDir(), true},
		{"engine: nats-embedded\ncluster: {name: a, dir: " + t.TempDir() + "}", true},
	} {
		t.Run(test.document, func(t *testing.T) {
			c := read(t, test.document)
			for round := range 2 {
				e, err := openEngine(t.Context(), c, newLog(c, io.Discard))
				if err != nil {
					t.Fatal(err)
				}
				head, err := e.Head(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if kept := head.Seq > 0; kept != (test.keeps && round > 0) {
					t.Errorf("round %d begins with %d entries", round, head.Seq)
				}
				if _, _, err := e.Append(t.Context(), relay.Event{ID: "e", Source: "shop", Payment: "order-1", Status: relay.Paid}); err != nil {
					t.Error(err)
				}
				if err := e.close(); err != nil {
					t.Error(err)
				}
				c.Retention += time.Hour
			}
		})
	}
}
