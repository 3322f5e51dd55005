package generator

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

const (
	ticketLife = 2 * time.Hour

	// silence is after how long without a frame a client takes a connection for dead: the servers' heartbeat comes every
	// two seconds.
	silence = 5 * time.Second

	// restless is how many of a hundred connections a client leaves by itself after their first frame, as a page does
	// whose payer is in the bank's app. It comes back after no more than absence.
	restless = 12
	absence  = 3 * time.Second

	// forgetful is how many of a hundred connections a client makes without the cursor that it has.
	forgetful = 30
)

// wait is one client: it goes from connection to connection, on any node and by any transport, until it is told that
// there is nothing to come back for, or ctx is done.
func (g *Generator) wait(ctx context.Context, p *script.Payment) history.Waiter {
	w := history.Waiter{Start: g.now()}
	w.Ready = w.Start
	now := time.Now()
	bearer, err := g.opts.Tickets.Mint(p.ID, now.Add(ticketLife), now)
	if err != nil {
		panic(err) // the run's own key
	}
	var cursor relay.Position
	outcome := false
	for ctx.Err() == nil && !w.Done() {
		node := g.pick()
		s := &stream{g: g, payment: p.ID, ticket: bearer, door: g.doors[node], restless: !outcome && rand.N(100) < restless}
		s.conn = history.Conn{Node: node, Transport: transports[rand.N(len(transports))], Cursor: cursor}
		if rand.N(100) < forgetful {
			s.conn.Cursor = relay.Position{}
		}
		err := s.run(ctx)
		outcome = outcome || s.outcome
		if s.cursor.Seq != 0 {
			cursor = s.cursor
		}
		w.Conns = append(w.Conns, s.conn)
		switch {
		case w.Done():
		case errors.Is(err, errLeft):
			sleep(ctx, rand.N(absence))
			w.Ready = g.now()
		case err != nil:
			sleep(ctx, 20*time.Millisecond+rand.N(200*time.Millisecond))
		}
	}
	return w
}

var transports = []string{"sse", "ws", "poll"}

var (
	errLeft   = errors.New("generator: the client left")
	errStatus = errors.New("generator: the server did not take the wait")
)

// stream is one connection of a client.
type stream struct {
	g        *Generator
	payment  string
	ticket   string
	door     *door
	restless bool
	outcome  bool           // was told
	cursor   relay.Position // of the last event
	conn     history.Conn
}

// state, event and end note a frame.
func (s *stream) state(seen history.Seen) {
	s.conn.Frames = append(s.conn.Frames, history.Frame{At: s.g.now(), State: &seen})
}

func (s *stream) event(t history.Told) {
	s.conn.Frames = append(s.conn.Frames, history.Frame{At: s.g.now(), Event: &t})
	if t.Position.Seq != 0 {
		s.cursor = t.Position
	}
	switch t.Status {
	case relay.Paid, relay.Refunded, relay.Closed:
		s.outcome = true
	}
}

func (s *stream) end(code string) {
	s.conn.Frames = append(s.conn.Frames, history.Frame{At: s.g.now(), End: code})
}

// run holds the connection until it ends. A nil error is an end that the server told.
func (s *stream) run(ctx context.Context) error {
	switch s.conn.Transport {
	case "sse":
		return s.sse(ctx)
	case "ws":
		return s.ws(ctx)
	}
	return s.poll(ctx)
}
