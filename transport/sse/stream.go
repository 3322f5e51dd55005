package sse

import (
	"net/http"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

// stream writes frames to one client through net/http.
type stream struct {
	*http.ResponseController
	w       http.ResponseWriter
	timeout time.Duration
	buf     []byte
	lent    *[]byte        // buf's place in the pool
	resets  bool           // HTTP/2: a deadline that passes resets the stream even while nothing is written
	last    relay.Position // of what was told last
}

func (t *Transport) writer(w http.ResponseWriter, r *http.Request) *stream {
	return &stream{
		ResponseController: http.NewResponseController(w), w: w,
		timeout: t.park.WriteTimeout(), resets: r.ProtoMajor >= 2,
	}
}

// refuse tells a client why no wait began.
func (s *stream) refuse(err error) {
	end := transport.EndOf(err)
	if !end.Return {
		end.Problem().Write(s.w)
		return
	}
	open(s.w.Header())
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
			s.buf = appendState(s.buf, f.State)
		case f.Told != nil:
			s.last = f.Told.Position
			s.buf = appendEvent(s.buf, f.Told)
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
