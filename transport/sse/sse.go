// Package sse writes waits as Server-Sent Events (WHATWG HTML, section 9.2), over HTTP/1.1 and HTTP/2.
//
// A browser's EventSource gives up for good on any answer but a 200 stream, and comes back by itself after any stream
// that ends. So the ends after which a client should come back are told as a short stream with a `retry`, and those
// after which it should not by an answer that stops it: 204, 410, 401.
//
// Over HTTP/1.1 a stream leaves net/http and is parked, see package park; its connection is closed behind it. Over
// HTTP/2, where one connection has many streams, and HTTP/1.0 it stays with net/http, at the price of a goroutine.
//
// A stream whose client does not take what is written within WriteTimeout is cut: nothing can be told through a socket
// that is full. One that takes it late, and has missed more events than are kept for it, is told `slow`.
package sse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/park"
)

// Options of a Transport. The zero value works.
type Options struct {
	// Heartbeat is how long a stream may be silent. 0 is 20 s: common proxies cut after 30 s or more.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept what is written. 0 is 10 s.
	WriteTimeout time.Duration
}

// Transport is the transport.Transport of the route …/sse.
type Transport struct {
	wheel *wheel.Wheel
	park  *park.Park
}

// New returns a Transport whose heartbeats ring on w.
func New(w *wheel.Wheel, o Options) *Transport {
	return &Transport{wheel: w, park: park.New(w, park.Options{
		Codec: codec{}, Heartbeat: o.Heartbeat, WriteTimeout: o.WriteTimeout,
	})}
}

// Name returns "sse".
func (t *Transport) Name() string { return "sse" }

// Stop waits for the streams that were parked; net/http knows the others.
func (t *Transport) Stop(ctx context.Context) error {
	if err := t.park.Stop(ctx); err != nil {
		return fmt.Errorf("sse: stop: %w", err)
	}
	return nil
}

// Serve begins a stream, and returns when it is parked or over.
func (t *Transport) Serve(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	switch {
	case wait.Ended:
		stop(w)
	case r.ProtoMajor == 1 && r.ProtoMinor == 1:
		t.parked(w, r, wait)
	default:
		t.stream(w, r, wait)
	}
}

// parked hands the stream to the park.
func (t *Transport) parked(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	c := t.park.Expect()
	sub, err := wait.Subscribe(r.Context(), c)
	if err != nil {
		c.Discard()
		t.writer(w, r).refuse(err)
		return
	}
	if c.OnlyDone() { // the cursor had the outcome already
		c.Discard()
		stop(w)
		return
	}
	h := w.Header()
	open(h)
	h.Set("Connection", "close")
	h.Set("Transfer-Encoding", "chunked")
	head := park.Head(http.StatusOK, h)
	head, at := openChunk(head)
	head = closeChunk(appendRetry(head, transport.Jitter()/2), at)
	conn, err := park.Take(w)
	if err != nil {
		sub.Close(relay.ErrGone)
		c.Discard()
		return
	}
	c.Attach(conn, sub, head)
}

// stream writes from this goroutine until the wait is over or the client is gone.
func (t *Transport) stream(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	s := t.writer(w, r)
	inbox := transport.NewInbox()
	sub, err := wait.Subscribe(r.Context(), inbox)
	if err != nil {
		s.refuse(err)
		return
	}
	defer sub.Close(relay.ErrGone) // which nobody hears if the wait has ended by itself
	frames := inbox.Bind(sub)
	if last := frames[len(frames)-1]; len(frames) == 2 && errors.Is(last.End, relay.ErrDone) {
		stop(w) // the cursor had the outcome already
		return
	}
	transport.Unbound(w)
	open(w.Header())
	s.buf = appendRetry(s.buf, transport.Jitter()/2)
	var beat wheel.Timer
	defer t.wheel.Cancel(&beat)
	for {
		ended, err := s.write(frames)
		if err != nil {
			sub.Close(err)
			return
		}
		if ended {
			return
		}
		t.wheel.Set(&beat, time.Now().Add(t.park.Heartbeat()), inbox)
		select {
		case <-inbox.Wake():
			frames = inbox.Take()
		case <-r.Context().Done():
			sub.Close(relay.ErrGone)
			return
		}
	}
}

// stop answers so that a browser does not come back.
func stop(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// open sets the headers of a stream.
func open(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
}
