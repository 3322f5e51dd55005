package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/embedded"
)

const (
	secret   = "sekrit-cluster-secret-0123456789ab"
	patience = time.Minute
)

// addresses returns n addresses of this machine that nobody listens on.
func addresses(t testing.TB, n int) []string {
	t.Helper()
	var all []string
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		all = append(all, ln.Addr().String())
	}
	return all
}

// options returns those of each node of a cluster.
func options(t testing.TB, n int) []embedded.Options {
	t.Helper()
	peers := addresses(t, n)
	all := make([]embedded.Options, n)
	for i := range all {
		all[i] = embedded.Options{
			Name: string(rune('a' + i)), Listen: peers[i], Peers: peers, Dir: t.TempDir(), Secret: secret,
			Log: slog.New(slog.DiscardHandler),
		}
	}
	return all
}

// cluster is a cluster in this process.
type cluster struct {
	t       testing.TB
	options []embedded.Options
	nodes   []*embedded.Server
}

func newCluster(t testing.TB, o []embedded.Options) *cluster {
	c := &cluster{t: t, options: o, nodes: make([]*embedded.Server, len(o))}
	t.Cleanup(c.stop)
	return c
}

// start starts the nodes at the same time, all of them if none is named.
func (c *cluster) start(which ...int) {
	c.t.Helper()
	if len(which) == 0 {
		for i := range c.nodes {
			which = append(which, i)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for _, i := range which {
		wg.Go(func() { c.nodes[i], errs[i] = embedded.Start(ctx, c.options[i]) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		c.t.Fatal(err)
	}
}

// startUntil starts a node that waits, and returns what ends the wait: without a trace but the context's error.
func startUntil(t *testing.T, o embedded.Options) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := embedded.Start(ctx, o)
		failed <- err
	}()
	return func() {
		t.Helper()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
	}
}

// stop stops all nodes at the same time.
func (c *cluster) stop() {
	var wg sync.WaitGroup
	for i := range c.nodes {
		wg.Go(func() { c.stopNode(i) })
	}
	wg.Wait()
}

func (c *cluster) stopNode(i int) {
	if c.nodes[i] == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.nodes[i].Stop(ctx); err != nil {
		c.t.Errorf("node %d: %v", i, err)
	}
	c.nodes[i] = nil
}

// engine opens an engine at a node, over a stream of its own.
func (c *cluster) engine(i int, stream string, retention time.Duration) *nats.Engine {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		e, err := nats.New(ctx, nats.Options{
			URL:       fmt.Sprintf("nats://%s?replicas=%d&stream=%s", c.options[i].Name, c.nodes[i].Replicas(), stream),
			Retention: retention,
			Log:       slog.New(slog.DiscardHandler),
			Conn:      []natsgo.Option{natsgo.InProcessServer(c.nodes[i])},
		})
		if err == nil {
			return e
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) { // an election may outlast one try
			c.t.Fatal(err)
		}
	}
}

// log is what nodes log, to look at while they do.
type log struct {
	mu   sync.Mutex
	text strings.Builder
	grew chan struct{}
}

func newLog() *log { return &log{grew: make(chan struct{}, 1)} }

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

var _ io.Writer = (*log)(nil)

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.grew <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits for a line with the text.
func (l *log) wait(t testing.TB, text string) {
	t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.grew:
		case <-deadline:
			t.Fatalf("%q is not logged:\n%s", text, l)
		}
	}
}

func event(payment, id string) relay.Event {
	return relay.Event{ID: id, Source: "shop", Payment: payment, Status: relay.Paid, Final: true, Amount: "129.00", Currency: "CNY"}
}
