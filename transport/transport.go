package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Transport writes waits to one kind of client. Serve and Stop may be called from many goroutines.
type Transport interface {
	// Name is the last segment of the route: /v1/payments/{payment}/NAME.
	Name() string
	// Serve answers r, a GET without a body whose ticket was checked, and returns when the wait is over. It tells the
	// client of every end in the way of the End table. The deadlines of w are those of a short answer; who stays
	// longer calls Unbound.
	Serve(w http.ResponseWriter, r *http.Request, wait Wait)
	// Stop waits until no connection is open that net/http does not know of. It is called after the relay was drained,
	// before the listener closes and once more after that; when ctx is done first, it cuts what is left and returns
	// ctx's error.
	Stop(ctx context.Context) error
}

// Wait is one authenticated request to await a payment.
type Wait struct {
	relay.Request
	// Ended says that the client's cursor marks an end that it was told already.
	Ended bool

	server    *Server
	transport string
	begin     time.Duration     // by the server's clock
	told      func(*relay.Told) // nil if nobody watches
}

// newWait returns a wait for q over the transport.
func (s *Server) newWait(transport string, q relay.Request, cursor string) Wait {
	text, ended := strings.CutSuffix(cursor, endMark)
	after, err := relay.ParsePosition(text) // an unreadable cursor counts as none
	q.After = after
	return Wait{
		Request: q, Ended: ended && err == nil && text != "",
		server: s, transport: transport, begin: time.Since(s.start),
	}
}

// Watch returns the wait with told called behind each event that its waiter was given, for a Transport around another
// one. told must return at once, and is never called at the same time as the waiter.
func (w Wait) Watch(told func(*relay.Told)) Wait {
	w.told = told
	return w
}

// watched is a waiter that somebody looks at.
type watched struct {
	relay.Waiter
	told func(*relay.Told)
}

// Deliver is the waiter's.
func (w watched) Deliver(t *relay.Told) {
	w.Waiter.Deliver(t)
	w.told(t)
}

// Subscribe is Relay.Subscribe for this wait. It gives the engine 10 s.
func (w Wait) Subscribe(ctx context.Context, waiter relay.Waiter) (*relay.Subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	if w.told != nil {
		waiter = watched{waiter, w.told}
	}
	c := &counted{waiter, w.server, w.transport, w.Payment, w.begin}
	sub, err := w.server.relay.Subscribe(ctx, w.Request, c)
	if err != nil {
		c.ended(err)
	}
	return sub, err
}

// counted is a waiter whose end is counted and logged. There is one for each wait.
type counted struct {
	relay.Waiter
	server    *Server
	transport string
	payment   string
	begin     time.Duration
}

// End is the waiter's.
func (c *counted) End(err error) {
	c.ended(err)
	c.Waiter.End(err)
}

func (c *counted) ended(err error) {
	code := EndOf(err).Code
	if errors.Is(err, relay.ErrGone) || errors.Is(err, context.Canceled) {
		code = "gone"
	}
	s := c.server
	s.opts.Metrics.WaitEnded(c.transport, code)
	level := slog.LevelDebug
	if code == internal.Code && !errors.Is(err, relay.ErrBroken) { // that ends all waits at once, and was logged
		level = slog.LevelError
	}
	if s.log.Enabled(context.Background(), level) {
		s.log.Log(context.Background(), level, "wait", "transport", c.transport, "payment", c.payment, "code", code,
			"reason", err, "took", time.Since(s.start)-c.begin)
	}
}

// endMark is put behind a position where a cursor says that the client was told the end. It cannot be part of one.
const endMark = "~end"

// EndCursor returns the cursor of a client that was told the end of its wait at p.
func EndCursor(p relay.Position) string { return p.String() + endMark }
