//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"golang.org/x/sys/unix"
)

// lines is how many connections callbacks come on.
const lines = 32

// A provider posts signed callbacks over real sockets, which it opens for each batch.
type provider struct {
	server string // host:port
	key    []byte
	ledger *ledger
}

// postAll posts the batch as fast as it is acknowledged.
func (p *provider) postAll(ctx context.Context, b *batch) error {
	var next atomic.Int64
	return p.each(ctx, func(l *line) error {
		for i := int(next.Add(1)) - 1; i < len(b.rows) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			b.rows[i].due.Store(int64(p.ledger.now()))
			if err := l.post(b, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// postAt posts the batch at a rate per second, whether those before were acknowledged or not: a callback that had to
// wait for a line was due when it was due.
func (p *provider) postAt(ctx context.Context, b *batch, rate int) error {
	due := make(chan int, len(b.rows))
	var pacer sync.WaitGroup
	pacer.Go(func() {
		defer close(due)
		first := p.ledger.now() + time.Millisecond
		for i := range b.rows {
			at := first + time.Duration(i)*time.Second/time.Duration(rate)
			if ctx.Err() != nil {
				return
			}
			sleep(at - p.ledger.now())
			b.rows[i].due.Store(int64(at))
			due <- i
		}
	})
	err := p.each(ctx, func(l *line) error {
		for i := range due {
			if err := l.post(b, i); err != nil {
				return err
			}
		}
		return nil
	})
	pacer.Wait()
	return err
}

// sleep is precise to some 0.05 ms, where the runtime's own timers are to 1 ms when nothing else happens.
func sleep(d time.Duration) {
	if d > 0 {
		t := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&t, nil) // woken early, it posts early, and that is told from the clock
	}
}

// each runs f for every line at once. The first that fails hangs up for all.
func (p *provider) each(ctx context.Context, f func(*line) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var posting sync.WaitGroup
	for range lines {
		posting.Go(func() {
			if err := p.line(ctx, f); err != nil {
				cancel(err)
			}
		})
	}
	posting.Wait()
	return context.Cause(ctx)
}

// line runs f for a line that is connected until f returns, or until ctx is done.
func (p *provider) line(ctx context.Context, f func(*line) error) error {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", p.server)
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { _ = nc.Close() })()
	return f(&line{conn: nc, signer: message.NewSigner(p.key), ledger: p.ledger})
}

// A line is one connection, on which callbacks are posted one after the other.
type line struct {
	conn   net.Conn
	signer *message.Signer
	ledger *ledger
	body   []byte
	out    []byte
	in     [1 << 10]byte
}

// post posts the callback of the batch and waits until it is acknowledged.
func (l *line) post(b *batch, i int) error {
	request := l.request(b, i)
	b.rows[i].sent.Store(int64(l.ledger.now()))
	if _, err := l.conn.Write(request); err != nil {
		return fmt.Errorf("post: %w", err)
	}
	for n := 0; ; {
		more, err := l.conn.Read(l.in[n:])
		if err != nil {
			return fmt.Errorf("post: %w", err)
		}
		n += more
		h, done, err := message.ParseAnswer(l.in[:n])
		switch {
		case err != nil:
			return err
		case !done && n == len(l.in):
			return errors.New("post: the answer is too long")
		case done && (h.Status < 200 || h.Status > 299):
			return fmt.Errorf("post: status %d", h.Status)
		case done:
			return nil
		}
	}
}

func (l *line) request(b *batch, i int) []byte {
	l.body = append(l.body[:0], `{"type":"payment.`...)
	l.body = append(l.body, b.status...)
	l.body = append(l.body, `","data":{"order_id":"`...)
	l.body = payment(b.rows[i].client).Append(l.body)
	l.body = append(l.body, `","amount":12900,"currency":"EUR"}}`...)

	out := append(l.out[:0], "POST /v1/callbacks/"+source+" HTTP/1.1\r\nHost: shop.example\r\n"+
		"Content-Type: application/json\r\n"...)
	id := message.ID{Run: l.ledger.run, Number: b.first + uint64(i)}
	out = l.signer.AppendHeaders(out, id, time.Now(), l.body)
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, int64(len(l.body)), 10)
	out = append(out, "\r\n\r\n"...)
	l.out = append(out, l.body...)
	return l.out
}
