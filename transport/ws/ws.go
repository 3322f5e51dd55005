// Package ws writes waits as WebSocket text messages (RFC 6455).
//
// A browser cannot read the answer of a refused handshake. So all that can be told after the upgrade is told there, as
// an `end` message and then the close frame; only what protects the server is refused before it.
//
// After the upgrade the connection is parked, see package park: a library's connection holds buffers and wants a goroutine
// that reads, for each client. So the few frames that a client may send are read here.
//
// A connection whose client does not take a message within WriteTimeout is cut: nothing can be told through a socket
// that is full. One that takes it late, and has missed more events than are kept for it, is told `slow`.
package ws

import (
	"context"
	"crypto/sha1" //nolint:gosec // the protocol's choice, and not for secrecy
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/park"
)

// Subprotocol is what the server answers when the client offers it.
const Subprotocol = "tillbell.v1"

// Options of a Transport. The zero value works.
type Options struct {
	// Heartbeat is how long a connection may be silent. 0 is 20 s.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept a message. 0 is 10 s.
	WriteTimeout time.Duration
}

// Transport is the transport.Transport of the route …/ws.
type Transport struct {
	park *park.Park
}

// New returns a Transport whose heartbeats ring on w.
func New(w *wheel.Wheel, o Options) *Transport {
	return &Transport{park.New(w, park.Options{
		Codec: codec{}, Heartbeat: o.Heartbeat, WriteTimeout: o.WriteTimeout,
	})}
}

// Name returns "ws".
func (t *Transport) Name() string { return "ws" }

// Stop waits until every connection is closed.
func (t *Transport) Stop(ctx context.Context) error {
	if err := t.park.Stop(ctx); err != nil {
		return fmt.Errorf("ws: stop: %w", err)
	}
	return nil
}

// Serve upgrades the connection and parks it.
func (t *Transport) Serve(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	if problem := handshake(w.Header(), r); problem != nil {
		problem.Write(w)
		return
	}
	c := t.park.Expect()
	sub, err := wait.Subscribe(r.Context(), c)
	if end := transport.EndOf(err); err != nil && end.Limit() {
		c.Discard()
		end.Problem().Write(w)
		return
	}
	if err != nil {
		c.End(err)
	}
	accept(w.Header(), r)
	conn, err := park.Take(w)
	if err != nil {
		c.Discard()
		if sub != nil {
			sub.Close(relay.ErrGone)
		}
		return
	}
	c.Attach(conn, sub, park.Head(http.StatusSwitchingProtocols, w.Header()))
}

// accept sets the headers that complete the handshake (RFC 6455, section 4.2.2).
func accept(h http.Header, r *http.Request) {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + guid)) //nolint:gosec // see the import
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	h.Set("Cache-Control", "no-store")
	if listed(r.Header, "Sec-WebSocket-Protocol", Subprotocol) {
		h.Set("Sec-WebSocket-Protocol", Subprotocol)
	}
}
