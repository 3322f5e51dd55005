// Package client awaits payments from Go.
//
// Await holds one wait over as many connections as it takes. It reads the payment's state first, which may have the
// outcome. Then it tries SSE, WebSocket and long poll, beginning with the one that has proven itself for the same
// server in this process, and a transport counts as working only after its first useful frame, for which it has 4 s
// where another is left to try. Where it was in the payment's log goes along from one connection and one transport to
// the next, so that nothing is missed, and what comes again is dropped. It stops where the server says that there is
// nothing to come back for: done, expired, unauthorized.
//
// Beside the connections it reads the state again every 5 s until a transport has proven itself by telling something
// unasked, a heartbeat or an event, and every minute from then on: a network may let the first bytes through and nothing
// afterwards. It does so at once when the machine has slept. So a wait ends wherever a short request comes through. What
// cannot be read is asked for less often, and nothing before the time that the server names.
//
// The browser's client in js does the same, and plays the same fixtures. Where the two differ, the place they run in does:
// a program reads the state every minute beside a stream that works, a page only where heartbeats stay away, for there are
// many more of them; a program leaves a transport that breaks off twice without having proven itself, a page that is shown
// its first frames again comes back to it; a program remembers what worked for an hour, a page for a day; and of an
// outcome that it has read a program asks for the events once, a page tells the state alone.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// Options say what to await. URL, Payment and Ticket suffice.
type Options struct {
	// URL is the server's base, such as https://pay.shop.example, or the URL of a payment there, with or without its
	// last segment sse, ws or poll. The scheme is http, https, ws or wss. A query is dropped.
	URL string
	// Payment is the payment's id. It may be empty where URL names it. "~" is the ticket's own payment.
	Payment string
	// Ticket is sent as Authorization: Bearer, never in a URL. It may be empty where HTTP's Jar has the cookie.
	Ticket string
	// Transport is sse, ws or poll; empty tries them in this order and moves on when one does not work. One that is
	// named is used alone, without the readings of the state beside it, which would hide whether it works.
	Transport string
	// After is a position that an earlier wait had reached. What lies at or before it is not told again.
	After string
	// HTTP makes the requests; nil is http.DefaultClient. Its Timeout is not used: it would end every stream.
	HTTP *http.Client

	// OnState is called with each state that says something else than the one before: a snapshot of the server, or where
	// an event leads.
	OnState func(wire.Snapshot)
	// OnEvent is called with each event, once and in order. Those behind an outcome that was read before they were told
	// are asked for once; if that fails, Await returns without them.
	OnEvent func(wire.Event)
	// OnRetry is called when a connection is over and another is to come after the pause.
	OnRetry func(cause error, pause time.Duration)
}

// Outcome is how a wait ended.
type Outcome struct {
	// Status is Snapshot's.
	Status relay.Status
	// Final says that no later event can change the outcome.
	Final bool
	// Snapshot is the payment's state. Without a word from the server it has the payment and the status pending.
	Snapshot wire.Snapshot
	// Code is done, or expired when the wait's time was over first. It is empty beside an error.
	Code string
}

// The values of Outcome.Code.
const (
	Done    = "done"
	Expired = "expired"
)

// ErrUnauthorized is what Await returns when the server refuses the ticket at once: there is none, it has expired, or it
// is for another payment. A ticket that is refused later, after the server has told something for it, has expired
// meanwhile: that is an Outcome.
var ErrUnauthorized = errors.New("the server refuses the ticket; mint one for exactly this payment that has not expired, and pass it as the ticket")

// StatusError is an answer that no wait can come of, such as 404 from a server that is not Tillbell.
type StatusError struct {
	Status int
	// Code and Detail are those of the problem (RFC 9457), empty if the answer was none.
	Code, Detail string

	after time.Duration // Retry-After
}

// Error returns what the server said, without control characters.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answered %d", e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Await waits until the payment has an outcome or the wait's time is over; both give an Outcome and no error. The
// error is ErrUnauthorized, a *StatusError, ctx's, or names the Option that is wrong; the Outcome beside it holds the
// last that was told. Connections that break and servers that cannot be reached are no error: Await comes back to them
// until ctx is done.
//
// The functions in o are called from this goroutine and must return soon.
func Await(ctx context.Context, o Options) (Outcome, error) {
	at, err := readAddress(o.URL, o.Payment)
	if err != nil {
		return Outcome{}, fmt.Errorf("client: %w", err)
	}
	if o.Transport != "" && !slices.Contains(transports, o.Transport) {
		return Outcome{}, fmt.Errorf("client: transport %.20q is none of sse, ws and poll", o.Transport)
	}
	out, err := newAwait(o, at).run(ctx)
	if err != nil {
		return out, fmt.Errorf("client: await: %w", err)
	}
	return out, nil
}
