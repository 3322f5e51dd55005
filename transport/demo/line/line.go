// Package line is a line between a page and the server that can be cut and frozen, to show what becomes of a wait then. It
// passes bytes as they are, in both directions, so whatever the server streams comes through, WebSockets too.
package line

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tillbell/tillbell/transport"
)

const (
	// maxLines bounds how many connections are open at once, maxFaults of how many payments' lines are frozen or slow.
	maxLines, maxFaults = 256, 1000
	// Limit is how long a line stays frozen or slow by itself.
	Limit = 30 * time.Second
	// Lag is how much later a slow line passes what it is given.
	Lag = time.Second
	// dialTime bounds connecting to this machine.
	dialTime = 2 * time.Second
)

var (
	// ErrUnknown: a line cannot be told that.
	ErrUnknown = errors.New("line: it can be told cut, freeze, slow, thaw and look")
	// ErrMany: too many payments' lines are frozen or slow at once.
	ErrMany = errors.New("line: too many are frozen or slow")
)

// Lines are the connections of pages, by payment. All methods may be called at the same time.
type Lines struct {
	done <-chan struct{}

	mu      sync.Mutex
	stopped bool
	open    map[*connection]struct{}
	gates   map[string]*gate
	running sync.WaitGroup
}

// New returns Lines that nobody has laid yet. When done is closed nothing is held back any more: the server says good-bye.
func New(done <-chan struct{}) *Lines {
	return &Lines{done: done, open: make(map[*connection]struct{}), gates: make(map[string]*gate)}
}

// Do does something to the lines of a payment and returns how many connections are open over them:
//
//	cut     resets them
//	freeze  holds back whatever is sent over them, and over those that are opened, for as long as Limit
//	slow    passes everything Lag later, for as long as Limit
//	thaw    ends freeze and slow
//	look    nothing
//
// Anything else is ErrUnknown; what cannot be kept is ErrMany.
func (l *Lines) Do(payment, what string) (connections int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	connected := l.of(payment)
	switch what {
	case "cut":
		for _, c := range connected {
			c.reset()
		}
	case "freeze":
		err = l.set(payment, frozen)
	case "slow":
		err = l.set(payment, slow)
	case "thaw":
		err = l.set(payment, open)
	case "look":
	default:
		err = ErrUnknown
	}
	return len(connected), err
}

// of returns the open connections of the payment. The caller holds mu.
func (l *Lines) of(payment string) (list []*connection) {
	for c := range l.open {
		if c.payment == payment && !c.isOver() {
			list = append(list, c)
		}
	}
	return list
}

// set changes how the payment's lines pass what they are given. The caller holds mu.
func (l *Lines) set(payment string, m mode) error {
	g := l.gates[payment]
	if g == nil && m == open {
		return nil
	}
	if g == nil {
		l.sweep()
		if len(l.gates) >= maxFaults {
			return ErrMany
		}
		g = newGate(l.done)
		l.gates[payment] = g
	}
	g.set(m)
	return nil
}

// sweep forgets gates that hold nothing back and that nobody passes through. The caller holds mu.
func (l *Lines) sweep() {
	used := make(map[*gate]bool)
	for c := range l.open {
		used[c.gate] = true
	}
	for payment, g := range l.gates {
		if !used[g] && g.idle() {
			delete(l.gates, payment)
		}
	}
}

// ServeHTTP lays a line for the path's {payment} to the server that the request came to, sends the request over it, and
// returns when the line has ended. Its caller has taken from the path what the server does not know.
func (l *Lines) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		transport.NewProblem(http.StatusBadRequest, "bad_request", "this request must have no body").Write(w)
		return
	}
	c, err := l.lay(r)
	if err != nil {
		transport.NewProblem(http.StatusServiceUnavailable, "unavailable", err.Error()).Write(w)
		return
	}
	defer l.remove(c)
	page, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.end()
		transport.NewProblem(http.StatusInternalServerError, "internal", "this connection cannot be taken over").Write(w)
		return
	}
	if !c.attach(page) {
		return
	}
	c.run(forward(r), rw.Reader)
}

// lay connects to the server that r came to.
func (l *Lines) lay(r *http.Request) (*connection, error) {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return nil, errors.New("the server's address is not known")
	}
	c, err := l.add(r.PathValue("payment"))
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTime}
	server, err := dialer.DialContext(r.Context(), address.Network(), address.String())
	if err != nil {
		l.remove(c)
		return nil, errors.New("the server cannot be reached")
	}
	if !c.connect(server) {
		l.remove(c)
		return nil, errors.New("the line was cut")
	}
	return c, nil
}

func (l *Lines) add(payment string) (*connection, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || len(l.open) >= maxLines {
		return nil, errors.New("there is no line left")
	}
	if l.gates[payment] == nil {
		l.sweep()
		l.gates[payment] = newGate(l.done)
	}
	c := &connection{payment: payment, gate: l.gates[payment], over: make(chan struct{})}
	l.open[c] = struct{}{}
	l.running.Add(1)
	return c, nil
}

func (l *Lines) remove(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	l.running.Done()
}

// forward returns the request that the server is sent.
func forward(r *http.Request) *http.Request {
	out := r.Clone(r.Context())
	if out.Header.Get("Upgrade") == "" { // what follows on a connection that is kept would not come by here
		out.Header.Del("Connection")
		out.Close = true
	}
	return out
}

// Stop waits until all lines have ended. When ctx is done it cuts them and returns ctx's error. The server has stopped
// before, so that none can last, and none can be laid any more.
func (l *Lines) Stop(ctx context.Context) error {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		l.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for c := range l.open {
		c.reset()
	}
	l.mu.Unlock()
	<-ended
	return fmt.Errorf("line: stop: %w", ctx.Err())
}
