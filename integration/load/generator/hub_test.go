//go:build linux

package generator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// A hub is a server to load, which keeps everything.
type hub struct {
	drops   int // every n-th callback is acknowledged and lost
	refuses int // every n-th waiter is turned away
	closes  bool

	mu      sync.Mutex
	waiters map[string]map[chan string]struct{}
	kept    map[string][]string
	posted  int
	asked   atomic.Int64
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	topic := r.URL.Query().Get("topic")
	if r.Method == http.MethodPost {
		b, _ := io.ReadAll(r.Body)
		h.publish(topic, string(b))
		if h.closes {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if n := int(h.asked.Add(1)); h.refuses > 0 && n%h.refuses == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	ch := make(chan string, 1000)
	h.mu.Lock()
	if h.waiters[topic] == nil {
		h.waiters[topic] = make(map[chan string]struct{})
	}
	h.waiters[topic][ch] = struct{}{}
	kept := h.kept[topic]
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.waiters[topic], ch)
		h.mu.Unlock()
	}()
	c := client{prefix: "data: ", suffix: "\n\n", ping: "event: ping\ndata: {}", write: func(s string) error {
		_, err := fmt.Fprint(w, s)
		w.(http.Flusher).Flush()
		return err
	}}
	ctx := r.Context()
	if r.Header.Get("Upgrade") != "" {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		ctx = conn.CloseRead(ctx)
		c = client{ping: `{"type":"ping"}`, write: func(s string) error {
			return conn.Write(ctx, websocket.MessageText, []byte(s))
		}}
	}
	_ = c.serve(ctx, ch, kept)
}

// A client is one that waits.
type client struct {
	prefix, suffix, ping string
	write                func(string) error
}

// serve writes what there is and then what comes, with a heartbeat behind each, until the payment is paid.
func (c client) serve(ctx context.Context, ch chan string, kept []string) error {
	if err := c.write(c.prefix + `{"type":"state"}` + c.suffix); err != nil {
		return err
	}
	for {
		for _, s := range kept {
			if err := c.write(c.prefix + s + c.suffix); err != nil {
				return err
			}
			if strings.Contains(s, "payment.paid") {
				return c.write(c.prefix + `{"code":"done"}` + c.suffix)
			}
			if err := c.write(c.ping + c.suffix); err != nil {
				return err
			}
		}
		select {
		case s := <-ch:
			kept = []string{s}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *hub) publish(topic, body string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.posted++; h.drops > 0 && h.posted%h.drops == 0 {
		return
	}
	h.kept[topic] = append(h.kept[topic], body)
	for ch := range h.waiters[topic] {
		ch <- body
	}
}

// hubAsks are how to wait at a hub, over an event stream and over WebSocket.
var hubAsks = []Ask{
	{Path: "/?topic={topic}", Ready: `"type":"state"`, Beat: "event: ping", End: `"code":"done"`},
	{WebSocket: true, Path: "/?topic={topic}", Ready: `"type":"state"`, Beat: `"type":"ping"`, End: `"code":"done"`},
}

// start serves the hub and returns a job for it.
func (h *hub) start(t *testing.T, mode Mode, asks ...Ask) *Job {
	t.Helper()
	h.waiters, h.kept = make(map[string]map[chan string]struct{}), make(map[string][]string)
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return h.job(s, mode, asks...)
}
