package transport

import (
	"context"
	"net/http"
	"strings"

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

	relay *relay.Relay
	ended func(error)
}

// NewWait returns a wait for q at r. over, which may be nil, is called with the reason when the wait is over.
func NewWait(r *relay.Relay, q relay.Request, cursor string, over func(error)) Wait {
	text, ended := strings.CutSuffix(cursor, endMark)
	after, err := relay.ParsePosition(text) // an unreadable cursor counts as none
	q.After = after
	return Wait{Request: q, Ended: ended && err == nil && text != "", relay: r, ended: over}
}

// Subscribe is Relay.Subscribe for this wait. It gives the engine 10 s.
func (w Wait) Subscribe(ctx context.Context, waiter relay.Waiter) (*relay.Subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	sub, err := w.relay.Subscribe(ctx, w.Request, counted{waiter, w.ended})
	if err != nil && w.ended != nil {
		w.ended(err)
	}
	return sub, err
}

// counted tells who counts the waits of their ends.
type counted struct {
	relay.Waiter
	ended func(error)
}

func (c counted) End(err error) {
	if c.ended != nil {
		c.ended(err)
	}
	c.Waiter.End(err)
}

// endMark is put behind a position where a cursor says that the client was told the end. It cannot be part of one.
const endMark = "~end"

// EndCursor returns the cursor of a client that was told the end of its wait at p.
func EndCursor(p relay.Position) string { return p.String() + endMark }
