// Package ws writes waits as WebSocket text messages (RFC 6455).
//
// A browser cannot read the answer of a refused handshake. So all that can be told after the upgrade is told there, as
// an `end` message and then the close frame; only what protects the server is refused before it.
//
// A connection whose client does not take a message within WriteTimeout is cut: nothing can be told through a socket
// that is full. One that takes it late, and has missed more events than are kept for it, is told `slow`.
package ws

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
)

// Subprotocol is what the server answers when the client offers it.
const Subprotocol = "tillbell.v1"

// maxMessage bounds a message of the client, who needs to send nothing; a larger one closes with 1009.
const maxMessage = 4 << 10

// Options of a Transport. The zero value works.
type Options struct {
	// Heartbeat is how long a connection may be silent. 0 is 20 s.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept a message. 0 is 10 s.
	WriteTimeout time.Duration
}

// Transport is the transport.Transport of the route …/ws.
type Transport struct {
	wheel *wheel.Wheel
	opts  Options

	mu      sync.Mutex
	serving int // calls of Serve, which outlive what net/http knows of
	conns   map[*conn]struct{}
	fewer   chan struct{} // closed when serving or conns gets less, if Stop waits for that
}

// New returns a Transport whose heartbeats ring on w.
func New(w *wheel.Wheel, o Options) *Transport {
	o.Heartbeat = cmp.Or(o.Heartbeat, 20*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	return &Transport{wheel: w, opts: o, conns: make(map[*conn]struct{})}
}

// Name returns "ws".
func (t *Transport) Name() string { return "ws" }

// Serve upgrades the connection and writes until the wait is over or the client is gone.
func (t *Transport) Serve(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	if problem := handshake(w.Header(), r); problem != nil {
		problem.Write(w)
		return
	}
	t.enter()
	defer t.leave()
	inbox := transport.NewInbox()
	sub, err := wait.Subscribe(r.Context(), inbox)
	if end := transport.EndOf(err); err != nil && end.Limit() {
		end.Problem().Write(w)
		return
	}
	if err != nil {
		t.upgrade(w, r, inbox, []transport.Frame{{End: err}})
		return
	}
	defer sub.Close(relay.ErrGone) // which nobody hears if the wait has ended by itself
	t.upgrade(w, r, inbox, inbox.Bind(sub))
}

// upgrade takes the connection over, writes the first frames and what comes into the inbox, and closes the connection.
func (t *Transport) upgrade(w http.ResponseWriter, r *http.Request, inbox *transport.Inbox, first []transport.Frame) {
	w.Header().Set("Cache-Control", "no-store")
	h := &hijacker{ResponseWriter: w}
	c, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		Subprotocols:       []string{Subprotocol},
		InsecureSkipVerify: true, // the server has checked the Origin by its own list
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil { // the connection broke: handshake has seen that nothing is wrong with the request
		return
	}
	t.add(h.conn)
	defer t.remove(h.conn)
	defer h.conn.linger()
	t.converse(c, h.conn, inbox, first)
}

func (t *Transport) enter() {
	t.mu.Lock()
	t.serving++
	t.mu.Unlock()
}

func (t *Transport) leave() {
	t.mu.Lock()
	t.serving--
	t.wakeStop()
	t.mu.Unlock()
}

func (t *Transport) add(c *conn) {
	t.mu.Lock()
	t.conns[c] = struct{}{}
	t.mu.Unlock()
}

func (t *Transport) remove(c *conn) {
	t.mu.Lock()
	delete(t.conns, c)
	t.wakeStop()
	t.mu.Unlock()
}

func (t *Transport) wakeStop() {
	if t.fewer != nil {
		close(t.fewer)
		t.fewer = nil
	}
}

// Stop waits until every connection is closed, and cuts those that are left when ctx is done.
func (t *Transport) Stop(ctx context.Context) error {
	if t.until(ctx, func() bool { return t.serving == 0 }) {
		return nil
	}
	t.mu.Lock()
	left := len(t.conns)
	for c := range t.conns {
		c.cut()
	}
	t.mu.Unlock()
	t.until(context.Background(), func() bool { return len(t.conns) == 0 }) // at once: nothing can be waited for on them
	return fmt.Errorf("ws: stop: %d connections cut: %w", left, ctx.Err())
}

// until waits until the condition, which is asked under the lock, holds, or ctx is done.
func (t *Transport) until(ctx context.Context, holds func() bool) bool {
	for {
		t.mu.Lock()
		if holds() {
			t.mu.Unlock()
			return true
		}
		if t.fewer == nil {
			t.fewer = make(chan struct{})
		}
		fewer := t.fewer
		t.mu.Unlock()
		select {
		case <-fewer:
		case <-ctx.Done():
			return false
		}
	}
}
