package live

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

// writeTime bounds each write to a page, which is on the same machine.
const writeTime = 5 * time.Second

// stream is a page that looks on.
type stream struct {
	payment string
	frames  chan frame
}

// open returns a stream of the payment and what came before it, behind the step that the page had last. It returns nil if
// too many are open.
func (l *Live) open(payment string, had uint64) (*stream, []frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.streams) == maxStreams {
		return nil, nil
	}
	s := &stream{payment: payment, frames: make(chan frame, backlog)}
	l.streams[s] = struct{}{}
	h := l.payments[payment]
	if h == nil {
		return s, nil
	}
	at := slices.IndexFunc(h.steps, func(f frame) bool { return f.id > had })
	if at < 0 {
		return s, nil
	}
	return s, slices.Clone(h.steps[at:])
}

// send gives a step to the stream. One that is too far behind ends: its page comes back for what it missed. The caller
// holds mu.
func (l *Live) send(s *stream, f frame) {
	select {
	case s.frames <- f:
	default:
		delete(l.streams, s)
		close(s.frames)
	}
}

func (l *Live) close(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, s)
}

// Handler returns the handler of GET ?payment=ID, an event stream of the payment's steps: those that are kept, behind
// Last-Event-ID if the page comes back, and then each as it happens. Streams end when done is closed.
func (l *Live) Handler(done <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		payments := r.URL.Query()["payment"]
		if len(payments) != 1 || relay.CheckPayment(payments[0]) != nil || r.ContentLength != 0 {
			transport.NewProblem(http.StatusBadRequest, "bad_request", "ask for one payment, as in ?payment=order-1001").Write(w)
			return
		}
		had, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64) // one that is unreadable counts as none
		s, steps := l.open(payments[0], had)
		if s == nil {
			transport.NewProblem(http.StatusServiceUnavailable, "limit", "too many pages look on").Write(w)
			return
		}
		defer l.close(s)
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		transport.Unbound(w)
		serve(w, r, s, steps, done)
	}
}

// serve writes until the page has gone, is too slow, or done is closed.
func serve(w http.ResponseWriter, r *http.Request, s *stream, steps []frame, done <-chan struct{}) {
	c := http.NewResponseController(w)
	text := []byte("retry: 1000\n\n")
	for _, f := range steps {
		text = append(text, f.text...)
	}
	for {
		_ = c.SetWriteDeadline(time.Now().Add(writeTime)) // only a test's ResponseWriter has none
		if _, err := w.Write(text); err != nil {
			return
		}
		if err := c.Flush(); err != nil {
			return
		}
		select {
		case f, ok := <-s.frames:
			if !ok {
				return
			}
			text = f.text
		case <-done:
			return
		case <-r.Context().Done():
			return
		}
	}
}
