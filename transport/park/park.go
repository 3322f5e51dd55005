package park

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
)

// Codec writes what a client is told in the bytes of one protocol. Its methods append to b and return what they made of
// it; they may be called at the same time.
type Codec interface {
	AppendState(b []byte, s *relay.State) []byte
	AppendEvent(b []byte, t *relay.Told) []byte
	AppendPing(b []byte) []byte
	// AppendEnd appends all that follows the last event; last is that event's position.
	AppendEnd(b []byte, reason error, last relay.Position) []byte
	// Input returns what understands one client's input. Nil means that clients have nothing to say: what they send is
	// left in their sockets.
	Input() Input
}

// Input reads what one client sends. Calls never overlap.
type Input interface {
	// Take reads b, which it must not keep, and appends to answer what the client is to be sent for it. over says that
	// the conversation ends with that; Take is not called again.
	Take(b, answer []byte) (_ []byte, over bool)
}

// Options of a Park. Codec must be set, the rest may be zero.
type Options struct {
	Codec Codec
	// Heartbeat is how long a connection may be silent. 0 is 20 s: common proxies cut after 30 s or more.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept what is written. 0 is 10 s.
	WriteTimeout time.Duration
}

// lingerTime bounds how long a client may take to leave after it was told the end.
const lingerTime = 2 * time.Second

// Park holds connections of one protocol. Its methods may be called at the same time.
type Park struct {
	opts   Options
	reads  bool // clients may have something to say
	wheel  *wheel.Wheel
	start  time.Time
	recent recent

	mu     sync.Mutex
	coming int           // connections that are expected
	open   int           // connections that are attached and not closed, and goroutines of some
	held   *Conn         // one of the ring of those connections
	poller *poller       // nil while there is none
	fewer  chan struct{} // closed when there are fewer, if Stop waits for that
	stops  uint16        // calls of Stop that have cut what was there
}

// New returns a Park whose timers are w's. It has no goroutine before it holds a connection. Stop releases what it has.
func New(w *wheel.Wheel, o Options) *Park {
	o.Heartbeat = cmp.Or(o.Heartbeat, 20*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	return &Park{
		opts: o, reads: o.Codec.Input() != nil, recent: recent{codec: o.Codec},
		wheel: w, start: time.Now(),
	}
}

// Heartbeat returns Options.Heartbeat, or its default.
func (p *Park) Heartbeat() time.Duration { return p.opts.Heartbeat }

// WriteTimeout returns Options.WriteTimeout, or its default.
func (p *Park) WriteTimeout() time.Duration { return p.opts.WriteTimeout }

// now is the park's clock, which fits a word: time since it was made.
func (p *Park) now() time.Duration { return time.Since(p.start) }

// Expect returns a connection that is yet to come. It is a relay.Waiter and keeps what it is told until then. The caller
// must Attach or Discard it.
func (p *Park) Expect() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.coming++
	return &Conn{park: p, stops: p.stops}
}

// link makes the way to conn's client, and has c told when it can be written, has something to say or is gone.
func (p *Park) link(conn Connection, c *Conn) link {
	p.hold(c)
	if l := p.watch(conn, c); l != nil {
		return l
	}
	nc := conn.conn
	if s, ok := nc.(Socket); ok {
		s.Park(Watcher{c})
		return ready{s}
	}
	l := &blocking{Conn: nc, conn: c}
	p.run(l.listen)
	return l
}

// hold adds c to the ring.
func (p *Park) hold(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.coming--
	p.open++
	c.next, c.prev = c, c
	if p.held != nil {
		c.next, c.prev = p.held, p.held.prev
		c.prev.next, c.next.prev = c, c
	}
	p.held = c
}

// letGo takes c out of the ring. Called with mu.
func (p *Park) letGo(c *Conn) {
	if p.held == c {
		p.held = c.next
	}
	if p.held == c {
		p.held = nil
	}
	c.prev.next, c.next.prev = c.next, c.prev
	c.next, c.prev = nil, nil
}

// run runs f in a goroutine that Stop waits for.
func (p *Park) run(f func()) {
	p.enter()
	go func() {
		defer p.leave()
		f()
	}()
}

func (p *Park) enter() {
	p.mu.Lock()
	p.open++
	p.mu.Unlock()
}

func (p *Park) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.tell()
}

// forget is called once for each Conn that Expect returned, when nothing is left of it.
func (p *Park) forget(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.next != nil {
		p.letGo(c)
		p.open--
	} else {
		p.coming--
	}
	p.tell()
}

// tell wakes Stop. Called with mu.
func (p *Park) tell() {
	if p.fewer != nil {
		close(p.fewer)
		p.fewer = nil
	}
}

// Stop waits until every connection is closed. When ctx is done it cuts those that are left, also those that are expected
// as soon as they are attached, and returns ctx's error. It does not end waits: that is Relay.Drain. What is expected
// after Stop is served as ever, until Stop is called again.
func (p *Park) Stop(ctx context.Context) error {
	err := p.empty(ctx)
	p.mu.Lock()
	poller := p.poller
	if p.open+p.coming != 0 { // somebody has come since, or is still expected
		poller = nil
	}
	if poller != nil {
		p.poller = nil
	}
	p.mu.Unlock()
	if poller != nil {
		poller.Close()
	}
	return err
}

// empty waits until there is no connection.
func (p *Park) empty(ctx context.Context) error {
	none := func() bool { return p.open+p.coming == 0 }
	if p.until(ctx, none) {
		return nil
	}
	p.mu.Lock()
	p.stops++
	p.mu.Unlock()
	left := p.all()
	for _, c := range left {
		c.cut()
	}
	p.until(context.Background(), func() bool { return p.open == 0 }) // at once: who reads or writes gets an error
	return fmt.Errorf("%d connections cut: %w", len(left), ctx.Err())
}

// cutSince reports whether a call of Stop has cut what was there since there were so many.
func (p *Park) cutSince(stops uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stops != stops
}

// until waits until the condition, which is asked with mu, holds, and reports whether ctx let it.
func (p *Park) until(ctx context.Context, holds func() bool) bool {
	for {
		p.mu.Lock()
		if holds() {
			p.mu.Unlock()
			return true
		}
		if p.fewer == nil {
			p.fewer = make(chan struct{})
		}
		fewer := p.fewer
		p.mu.Unlock()
		select {
		case <-fewer:
		case <-ctx.Done():
			return false
		}
	}
}

// all returns the connections that are attached.
func (p *Park) all() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Conn
	for c := p.held; c != nil; {
		all = append(all, c)
		if c = c.next; c == p.held {
			break
		}
	}
	return all
}
