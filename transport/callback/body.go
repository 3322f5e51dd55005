package callback

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// smallBody is what callbacks usually have and how much of each is read without more ado. The rest of larger ones is
// read for largeBodies of them at a time, so that strangers cannot make the process hold any number of large bodies.
const (
	smallBody   = 64 << 10
	largeBodies = 32
)

// errBusy answers one more large body, to be sent again.
var errBusy = errors.New("callback: too many large bodies at once")

// body is one callback's, in room that the next callback reuses: nothing may keep a part of it.
type body struct {
	bytes.Buffer
	start io.LimitedReader
	turn  <-chan struct{} // of a large one, given back by taking one from it
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// release gives the body's room back, and its turn. The bytes belong to somebody else then.
func (b *body) release() {
	if b.turn != nil {
		<-b.turn
	}
	if b.Cap() > smallBody+2*bytes.MinRead { // one large body must not stay
		return
	}
	b.Reset()
	b.start.R, b.turn = nil, nil
	bodies.Put(b)
}

// announced is how much room is made for what is announced before it has come: anybody can announce much.
const announced = 4 << 10

// readBody returns the request's body, which its caller releases, whatever the error.
func (rt *Route) readBody(w http.ResponseWriter, r *http.Request) (*body, error) {
	b := bodies.Get().(*body)
	b.start.R, b.start.N = r.Body, smallBody
	// net/http lets no more pass than was announced.
	if r.ContentLength < 0 || r.ContentLength > min(smallBody, rt.opts.MaxBody) {
		b.start.R = http.MaxBytesReader(w, r.Body, rt.opts.MaxBody)
	}
	b.Grow(int(min(max(r.ContentLength, 0), announced)) + bytes.MinRead)
	n, err := b.ReadFrom(&b.start)
	if err != nil || n < smallBody {
		return b, err
	}
	select {
	case rt.large <- struct{}{}:
		b.turn = rt.large
	default:
		return b, errBusy
	}
	_, err = b.ReadFrom(b.start.R)
	return b, err
}
