//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"github.com/tillbell/tillbell/transport/park"
)

const (
	// maxClients is what the number of a client holds.
	maxClients = math.MaxInt32
	// atOnce is how many clients connect at the same time.
	atOnce = 64
	// ticketLife is longer than any run.
	ticketLife = 24 * time.Hour
)

// A crowd is all clients. They take nothing but their place in one array.
type crowd struct {
	all    []client
	ledger *ledger
	secret []byte // of tickets
	giveUp context.CancelCauseFunc

	waiting, pings, closed atomic.Int64

	mu      sync.Mutex
	leaving []park.Watcher
	wake    chan struct{} // has one when somebody is leaving
}

// newCrowd returns n clients that did not connect yet. giveUp is called when one of them is told anything wrong.
func newCrowd(n int, l *ledger, secret []byte, giveUp context.CancelCauseFunc) *crowd {
	c := &crowd{all: make([]client, n), ledger: l, secret: secret, giveUp: giveUp, wake: make(chan struct{}, 1)}
	for i := range c.all {
		c.all[i].crowd, c.all[i].number, c.all[i].socket = c, uint32(i), i%2 == 1
	}
	return c
}

// fail ends the run with the first thing that went wrong.
func (c *crowd) fail(who *client, err error) {
	kind := "event stream"
	if who.socket {
		kind = "WebSocket"
	}
	c.giveUp(fmt.Errorf("client %d (%s): %w", who.number, kind, err))
}

// connect has the clients come in, and returns when all of them wait.
func (c *crowd) connect(ctx context.Context, d *door) error {
	var next atomic.Int64
	var callers sync.WaitGroup
	for range atOnce {
		callers.Go(func() {
			t, q := newTalk(), newRequests(c.secret)
			for i := next.Add(1) - 1; i < int64(len(c.all)); i = next.Add(1) - 1 {
				who := &c.all[i]
				t.begin(q.make(who))
				who.talk = t
				if !d.enter(ctx, who) {
					return
				}
				select {
				case <-t.done:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	callers.Wait()
	return context.Cause(ctx)
}

// leave hangs up, which a client must not do while it is called.
func (c *crowd) leave(who park.Watcher) {
	c.mu.Lock()
	c.leaving = append(c.leaving, who)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// hangUp hangs up for those who leave, until ctx is done.
func (c *crowd) hangUp(ctx context.Context) {
	for {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		leaving := c.leaving
		c.leaving = nil
		c.mu.Unlock()
		for _, who := range leaving {
			who.HungUp()
		}
	}
}

// requests makes the clients' requests, one at a time.
type requests struct {
	tickets *message.Minter
	room    []byte
}

func newRequests(secret []byte) *requests {
	return &requests{tickets: message.NewMinter(secret, time.Now().Add(ticketLife))}
}

// make returns the client's request. It is good until the next one is made.
func (q *requests) make(who *client) []byte {
	topic, route := payment(who.number), "/sse"
	if who.socket {
		route = "/ws"
	}
	b := append(q.room[:0], "GET /v1/payments/"...)
	b = topic.Append(b)
	b = append(b, route...)
	b = append(b, " HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer "...)
	b = q.tickets.Append(b, topic)
	if who.socket {
		b = append(b, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: tillbell.v1"...)
	} else {
		b = append(b, "\r\nAccept: text/event-stream"...)
	}
	q.room = append(b, "\r\n\r\n"...)
	return q.room
}
