package front

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/transport/epoll"
)

// exchange is one request and its answer: the http.ResponseWriter of requests that are answered here. The answer is
// written when the handler returns.
type exchange struct {
	request
	client *client
	r      *http.Request

	head   http.Header
	status int
	body   []byte
	taken  bool // the connection was taken over
	out    []byte
}

// Header returns the answer's header.
func (x *exchange) Header() http.Header { return x.head }

// WriteHeader sets the status, once. What precedes an answer (1xx) is left out, as RFC 9110, section 15.2, allows.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.status = status
	}
}

// Write adds to the body.
func (x *exchange) Write(b []byte) (int, error) {
	if x.taken {
		return 0, http.ErrHijacked
	}
	x.WriteHeader(http.StatusOK)
	if bodiless(x.status) {
		return 0, http.ErrBodyNotAllowed
	}
	x.body = append(x.body, b...)
	return len(b), nil
}

func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

// FlushError does nothing: the answers of these requests are short.
func (x *exchange) FlushError() error { return nil }

// SetReadDeadline has nothing to bound: the request is there.
func (x *exchange) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline has nothing to bound: an answer that does not fit into the socket is given up.
func (x *exchange) SetWriteDeadline(time.Time) error { return nil }

// Take takes the connection over for good, with what the client has sent behind its request.
func (x *exchange) Take() (epoll.Descriptor, []byte) {
	x.taken = true
	return x.client.take()
}

// Hijack is http.Hijacker's.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x.taken = true
	d, input := x.client.take()
	nc, err := x.client.front.release(d, input)
	if err != nil {
		return nil, nil, fmt.Errorf("front: hijack: %w", err)
	}
	return nc, bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc)), nil
}

// begin makes x ready for r.
func (x *exchange) begin(c *client, r *http.Request) {
	x.client, x.r = c, r
	if x.head == nil {
		x.head = make(http.Header, 8)
	}
	clear(x.head)
	x.status, x.body, x.taken = 0, x.body[:0], false
}

// end makes x hold on to nothing, and reports whether it is small enough to be used again.
func (x *exchange) end() bool {
	x.client, x.r = nil, nil
	clear(x.header)
	clear(x.values)
	clear(x.head)
	return cap(x.body) <= maxBody && cap(x.out) <= 2*maxBody
}

// bytes returns the answer (RFC 9112, section 4). close says that the connection closes behind it.
func (x *exchange) bytes(close bool) []byte {
	x.WriteHeader(http.StatusOK)
	b := append(x.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(x.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(x.status)...)
	b = append(b, "\r\nDate: "...)
	b = append(b, date()...)
	for name, values := range x.head {
		if name == "Content-Length" || name == "Connection" && close {
			continue
		}
		for _, v := range values {
			b = field(b, name, v)
		}
	}
	if len(x.body) != 0 && x.head["Content-Type"] == nil {
		b = field(b, "Content-Type", http.DetectContentType(x.body))
	}
	if !bodiless(x.status) {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(x.body)), 10)
	}
	if close {
		b = append(b, "\r\nConnection: close"...)
	}
	b = append(b, headEnd...)
	x.out = append(b, x.body...)
	return x.out
}

// breaks are what would end a header line.
var breaks = strings.NewReplacer("\r", " ", "\n", " ")

func field(b []byte, name, value string) []byte {
	b = append(b, "\r\n"...)
	b = append(b, name...)
	b = append(b, ": "...)
	return append(b, breaks.Replace(value)...)
}

// stamp is the Date of one second.
type stamp struct {
	second int64
	text   string
}

var lastStamp atomic.Pointer[stamp]

// date returns the present Date, which is made once a second.
func date() string {
	now := time.Now()
	s := lastStamp.Load()
	if s == nil || s.second != now.Unix() {
		s = &stamp{now.Unix(), now.UTC().Format(http.TimeFormat)}
		lastStamp.Store(s)
	}
	return s.text
}
