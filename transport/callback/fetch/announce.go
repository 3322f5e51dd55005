package fetch

import (
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Announcer is a Signer whose callbacks say no more than an id, so that the API that is asked back has to know the payment
// first.
type Announcer interface {
	callback.Signer
	// Announce returns the request, complete with its address and key, that tells a simulated API what n says: it answers 204,
	// and then the callback that Sign makes of n can be posted. It is an error if the settings name no simulated API.
	Announce(n callback.Notification, at time.Time) (*http.Request, error)
}

// Simulated is implemented by the Options of providers with a stand-in of their API.
type Simulated interface {
	// Simulate sets api_base to base, which is where the returned handler will be mounted without base's path in front of the
	// requests', and a missing api_key to a fresh one. The handler takes that key alone.
	Simulate(base string) http.Handler
}
