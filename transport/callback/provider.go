package callback

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Request is one call as it arrived. Body is the exact bytes; nothing may be read from it before its signature holds,
// and nothing may keep a part of it, because the next call is read into the same room.
type Request struct {
	Method string
	URL    *url.URL
	Header http.Header // canonical names, several values where a header came several times
	Body   []byte
	// Doubtful reports that what came lately from where the call comes from was for nothing. What an adapter does for such a
	// call must not be at the cost of others. Nil is not known.
	Doubtful func() bool
}

// Event is what a provider says, before it belongs to a source. Parse fills the relay.Event but Source, Provider,
// NeedsRegistration and the prefix of ID: ID is the provider's own event id, or, with Derived, the text that stands in
// for one that the provider does not give.
type Event struct {
	relay.Event
	// Type is the provider's own name of the kind of event.
	Type string
	// Derived says that ID is not the provider's id of this event but one that repeats over different states: status
	// and amount are then put in front of it.
	Derived bool
	// Shared says that the callback is about several payments, also where it tells only of this one: the payment is then
	// put in front of ID.
	Shared bool
	// Fetch says that the callback proves no more than that something may have changed. TransactionID is what the provider
	// calls it, in the shape that its API takes; Payment and Status are empty, and the Fetcher finds them out.
	Fetch bool
}

// Provider verifies and translates the callbacks of one account. It may be called from many goroutines. What it keeps
// between calls is bounded, whatever strangers post, and is no part of an event but its id, where that is not signed.
type Provider interface {
	// Parse verifies r at the time now and returns what it says about payments, in the body's order. A genuine call
	// that is not about a payment's status has no events and no error. An event whose Payment cannot be a payment id
	// (relay.CheckPayment) is returned as it is: the route acknowledges it, says so, and drops it. The error is a
	// *Refusal, or another one if r could not be checked at this time, for want of a certificate that has to be fetched:
	// the provider is to come again.
	Parse(r Request, now time.Time) ([]Event, error)

	// Answer returns what the provider wants to hear: for a nil error its acknowledgement, for a *Refusal its failure
	// form, for any other error (it could not be checked or stored) a failure after which it retries.
	Answer(err error) Answer
}

// Fetcher is a Provider whose callbacks, or some of them, have to be asked back: a stranger can post them, or they do not
// say what became of the payment. It keeps what its requests to the API need.
type Fetcher interface {
	Provider
	// Fetch asks the provider's API what e is about and returns what that says, in the order in which it happened: no event
	// and no error if the API knows no such payment, or nothing that a waiter is told. It gives up with ctx. The error is
	// a *Refusal if the answer makes no sense and will not the next time, and any other if the provider should come again.
	Fetch(ctx context.Context, e Event) ([]Event, error)
	// Ready reports which setting Fetch lacks. Verifying alone needs none.
	Ready() error
}

// Weighed is a Provider whose settings decide whether its checks cost a public-key operation, so that About cannot say it.
type Weighed interface {
	Provider
	// Asymmetric takes the place of About.Asymmetric.
	Asymmetric() bool
}

// Answer is one HTTP response to a provider.
type Answer struct {
	Status      int
	ContentType string
	Body        string
}

// Notification is what a Signer shall say. Zero fields but Status get plausible values: see Filled.
type Notification struct {
	Payment       string
	Status        relay.Status
	Amount        relay.Amount // major units; of a refund the refund's
	Currency      string
	ID            string    // the provider's event id
	TransactionID string    // the provider's payment id
	Time          time.Time // of the event; the signature's is Sign's
}

// Signer makes callbacks exactly as the provider would. It is what `tillbell send` and the demo use, and what the
// provider's official verifier is shown in tests.
type Signer interface {
	// Sign returns a POST without a host, signed at the time at. A status that the provider has no callback for is an
	// error that names those it has.
	Sign(n Notification, at time.Time) (Request, error)
}

// Prober is a Signer whose provider sends deliberately wrong signatures to see them refused.
type Prober interface {
	Probe(n Notification, at time.Time) (Request, error)
}
