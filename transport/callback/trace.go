package callback

import (
	"context"

	"github.com/tillbell/tillbell/relay"
)

// Trace watches callbacks at the moments in which something becomes of them. It is for showing how the Route works, not
// for acting on it: `tillbell dev` has one, production none.
type Trace interface {
	// Received is told of a callback of the source before its body is read, and returns who is told the rest of it. ctx is
	// its request's. It may be called from many goroutines, and must return at once: the provider waits for it.
	Received(ctx context.Context, source string) Observer
}

// Observer is told what becomes of one callback, in this order, and never concurrently. Its methods must return at once and
// must not change what they are given. None of it is secret: no body, no signature.
type Observer interface {
	// Verified is told what a genuine callback says about payments, which may be nothing.
	Verified(events []relay.Event)
	// Stored is told of each event when the engine has stored it, or had it already.
	Stored(e relay.Event, receipt relay.Receipt)
	// Answered is told the HTTP status of the answer after it was written, and why nothing or not everything was stored: err
	// is nil, a *Refusal or the engine's.
	Answered(status int, err error)
}
