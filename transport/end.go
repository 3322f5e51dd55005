package transport

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// End is how the end of a wait is told. Every wait ends in one row of this table.
type End struct {
	Code string
	// Status is the HTTP status where nothing was written yet.
	Status int
	// Close is the WebSocket close code.
	Close int
	// Return says that the client should come back: with jitter, unless the reason lies with itself.
	Return bool
}

var (
	done     = End{Code: "done", Status: http.StatusNoContent, Close: 1000}
	expired  = End{Code: "expired", Status: http.StatusGone, Close: 4410}
	slow     = End{Code: "slow", Status: http.StatusServiceUnavailable, Close: 4503, Return: true}
	closing  = End{Code: "closing", Status: http.StatusServiceUnavailable, Close: 1001, Return: true}
	full     = End{Code: "limit", Status: http.StatusServiceUnavailable, Close: 1013, Return: true}
	crowded  = End{Code: "limit", Status: http.StatusTooManyRequests, Close: 1013, Return: true}
	internal = End{Code: "internal", Status: http.StatusInternalServerError, Close: 1011, Return: true}
)

// EndOf returns the row for the error that a wait ended with, or that Subscribe returned. The row `unauthorized` is
// not here: such a request never becomes a wait.
func EndOf(err error) End {
	switch {
	case errors.Is(err, relay.ErrDone):
		return done
	case errors.Is(err, relay.ErrExpired):
		return expired
	case errors.Is(err, relay.ErrSlow):
		return slow
	case errors.Is(err, relay.ErrClosing):
		return closing
	case errors.Is(err, relay.ErrFull):
		return full
	case errors.Is(err, relay.ErrCrowded):
		return crowded
	}
	return internal
}

// Limit reports whether e is the row of too many waiters.
func (e End) Limit() bool { return e.Code == "limit" }

// Jitter returns how long a client that is sent away should stay away, anew for each so that they do not all come back
// at once: 0.5 to 5 s.
func Jitter() time.Duration {
	return 500*time.Millisecond + rand.N(4500*time.Millisecond)
}
