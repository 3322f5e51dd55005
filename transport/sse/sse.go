// Package sse writes waits as Server-Sent Events (WHATWG HTML, section 9.2), over HTTP/1.1 and HTTP/2.
//
// A browser's EventSource gives up for good on any answer but a 200 stream, and comes back by itself after any stream
// that ends. So the ends after which a client should come back are told as a short stream with a `retry`, and those
// after which it should not by an answer that stops it: 204, 410, 401.
//
// A stream whose client does not take what is written within WriteTimeout is cut: nothing can be told through a socket
// that is full. One that takes it late, and has missed more events than are kept for it, is told `slow`.
package sse

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
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
	opts  Options
}

// New returns a Transport whose heartbeats ring on w.
func New(w *wheel.Wheel, o Options) *Transport {
	o.Heartbeat = cmp.Or(o.Heartbeat, 20*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	return &Transport{wheel: w, opts: o}
}

// Name returns "sse".
func (t *Transport) Name() string { return "sse" }

// Stop has nothing to wait for: net/http knows every stream.
func (t *Transport) Stop(context.Context) error { return nil }

// Serve streams until the wait is over or the client is gone.
func (t *Transport) Serve(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	if wait.Ended {
		stop(w)
		return
	}
	s := &stream{
		ResponseController: http.NewResponseController(w), w: w,
		timeout: t.opts.WriteTimeout, resets: r.ProtoMajor >= 2,
	}
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
	s.open()
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
		t.wheel.Set(&beat, time.Now().Add(t.opts.Heartbeat), inbox)
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

// stream writes frames to one client.
type stream struct {
	*http.ResponseController
	w       http.ResponseWriter
	timeout time.Duration
	buf     []byte
	lent    *[]byte        // buf's place in the pool
	resets  bool           // HTTP/2: a deadline that passes resets the stream even while nothing is written
	last    relay.Position // of what was told last
}

// open sets the headers, which go out with the first write.
func (s *stream) open() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
}

// refuse tells a client why no wait began.
func (s *stream) refuse(err error) {
	end := transport.EndOf(err)
	if !end.Return {
		end.Problem().Write(s.w)
		return
	}
	s.open()
	_, _ = s.write([]transport.Frame{{End: err}}) // the client is gone if this fails
}

// chunk is from how many bytes on frames are sent before further ones are made: a thousand clients that do not read
// must not cost a thousand copies of all that waits for them.
const chunk = 4 << 10

// write sends the frames and reports whether the end was among them. The error says what it tells of the
// client: relay.ErrSlow or relay.ErrGone.
func (s *stream) write(frames []transport.Frame) (ended bool, err error) {
	for _, f := range frames {
		s.borrow()
		switch {
		case f.State != nil:
			s.last = f.State.Position
			s.buf = appendState(s.buf, *f.State)
		case f.Told != nil:
			s.last = f.Told.Position
			s.buf = appendEvent(s.buf, *f.Told)
		case f.End != nil:
			ended = true
			s.buf = appendEnd(s.buf, transport.EndOf(f.End), s.last)
		default:
			s.buf = appendPing(s.buf)
		}
		if len(s.buf) >= chunk {
			if err := s.flush(); err != nil {
				return ended, err
			}
		}
	}
	return ended, s.flush()
}

// buffers are lent to streams that write: an idle stream holds none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, chunk); return &b }}

func (s *stream) borrow() {
	if s.lent == nil {
		s.lent = buffers.Get().(*[]byte)
		s.buf = append((*s.lent)[:0], s.buf...)
	}
}

func (s *stream) release() {
	if s.lent != nil && cap(s.buf) <= 4*chunk {
		*s.lent = s.buf[:0]
		buffers.Put(s.lent)
	}
	s.lent, s.buf = nil, nil
}

func (s *stream) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	defer s.release()
	deadline := time.Now().Add(s.timeout)
	_ = s.SetWriteDeadline(deadline) // only a test's ResponseWriter has none
	_, err := s.w.Write(s.buf)
	if err == nil {
		err = s.Flush()
	}
	switch {
	case err == nil:
	case !time.Now().Before(deadline): // HTTP/2 has another error for it than os.ErrDeadlineExceeded
		return relay.ErrSlow
	default:
		return relay.ErrGone
	}
	if s.resets {
		_ = s.SetWriteDeadline(time.Time{})
	}
	return nil
}
