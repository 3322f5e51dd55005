package generator

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
)

// answerTime is how long an answer is waited for, as providers do: WeChat Pay gives 5 s.
const answerTime = 5 * time.Second

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 16 << 20

var errAnswer = errors.New("generator: the answer is too long")

// A door is one node's public listener, with connections that are kept open between requests. Its methods may be called
// at the same time.
type door struct {
	address string

	mu   sync.Mutex
	idle []*line
	sick time.Time // until when others are asked first
}

// line is one connection and what was read from it.
type line struct {
	nc  net.Conn
	buf []byte
}

// open returns a connection that is not kept.
func (d *door) open(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: answerTime}
	return dialer.DialContext(ctx, "tcp", d.address)
}

// do sends a request and returns the answer's status and body. Whether the request was carried out is not known after
// an error. Its time is bounded; ctx only bounds it further while it connects.
func (d *door) do(ctx context.Context, request []byte, patience time.Duration) (status int, body []byte, err error) {
	l := d.take()
	if l == nil {
		nc, err := d.open(ctx)
		if err != nil {
			d.ail()
			return 0, nil, err
		}
		l = &line{nc: nc}
	}
	head, body, err := l.exchange(request, patience)
	if err != nil {
		_ = l.nc.Close()
		d.ail()
		return 0, nil, err
	}
	if head.Close {
		_ = l.nc.Close()
	} else {
		d.put(l)
	}
	return head.Status, body, nil
}

func (d *door) take() *line {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.idle)
	if n == 0 {
		return nil
	}
	l := d.idle[n-1]
	d.idle = d.idle[:n-1]
	return l
}

func (d *door) put(l *line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, l)
}

// sickTime is how long a load balancer would leave a node alone that did not answer.
const sickTime = time.Second

// ail notes that the node did not answer. Idle connections are most likely dead as well.
func (d *door) ail() {
	d.mu.Lock()
	idle := d.idle
	d.idle, d.sick = nil, time.Now().Add(sickTime)
	d.mu.Unlock()
	for _, l := range idle {
		_ = l.nc.Close()
	}
}

// well reports whether the node answered lately, as far as is known.
func (d *door) well() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !time.Now().Before(d.sick)
}

// close closes the connections that nobody uses.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.idle {
		_ = l.nc.Close()
	}
	d.idle = nil
}

// exchange writes a request and reads its answer. The body is a copy.
func (l *line) exchange(request []byte, patience time.Duration) (message.Head, []byte, error) {
	if err := l.nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return message.Head{}, nil, err
	}
	if _, err := l.nc.Write(request); err != nil {
		return message.Head{}, nil, err
	}
	l.buf = l.buf[:0]
	for {
		if len(l.buf) > maxAnswer {
			return message.Head{}, nil, errAnswer
		}
		l.buf = append(l.buf, make([]byte, 4<<10)...)
		n, err := l.nc.Read(l.buf[len(l.buf)-4<<10:])
		l.buf = l.buf[:len(l.buf)-4<<10+n]
		if n == 0 && err != nil {
			return message.Head{}, nil, err
		}
		head, done, err := message.ParseAnswer(l.buf)
		if err != nil {
			return head, nil, err
		}
		if done {
			body, err := content(l.buf)
			return head, body, err
		}
	}
}

// content returns the body of a whole answer.
func content(answer []byte) ([]byte, error) {
	head, rest, _, err := message.ParseHead(answer)
	if err != nil || !head.Chunked {
		return bytes.Clone(rest), err
	}
	var chunks message.Chunks
	var body []byte
	for len(rest) > 0 {
		data, next, end, err := chunks.Next(rest)
		body, rest = append(body, data...), next
		if err != nil || end {
			return body, err
		}
	}
	return body, nil
}
