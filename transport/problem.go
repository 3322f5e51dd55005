package transport

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/transport/wire"
)

// Problem is an error as clients get it (RFC 9457). Code is stable; Detail is for people and says what to do.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`

	retryAfter time.Duration
}

// NewProblem returns the problem with the title that the status has in HTTP.
func NewProblem(status int, code, detail string) Problem {
	return Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// Problem returns the answer to a request whose wait ended before anything was written.
func (e End) Problem() Problem {
	p := NewProblem(e.Status, e.Code, endDetail[e.Code])
	if e.Return && e.Code != internal.Code {
		p.retryAfter = Jitter()
	}
	return p
}

var endDetail = map[string]string{
	expired.Code:  "the wait's time is over",
	slow.Code:     "the client did not keep up",
	closing.Code:  "the server is shutting down, come back",
	full.Code:     "too many waiters, come back later",
	internal.Code: "the wait could not go on, come back",
}

// Write sends the problem.
func (p Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="tillbell"`)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(wire.Marshal(p)) // the client is gone if this fails, and nothing is left to do
}

// WriteJSON sends v with the status.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", wire.ContentType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(wire.Marshal(v))
}
