package relay

import "errors"

// A wait ends with exactly one of these. The transport's End table says what each wire tells.
var (
	// ErrDone: a final event was delivered, or the cursor had it already.
	ErrDone = errors.New("relay: outcome delivered")
	// ErrExpired: the wait's time is over.
	ErrExpired = errors.New("relay: wait expired")
	// ErrSlow: the client did not keep up.
	ErrSlow = errors.New("relay: client too slow")
	// ErrClosing: the relay drains.
	ErrClosing = errors.New("relay: draining")
	// ErrFull: the process holds as many waiters as it may.
	ErrFull = errors.New("relay: too many waiters")
	// ErrCrowded: the address or the payment has as many waiters as it may.
	ErrCrowded = errors.New("relay: too many waiters of one address or payment")
	// ErrBroken: the engine's log could not be followed for a moment.
	ErrBroken = errors.New("relay: the engine's log cannot be followed")
	// ErrGone: the client went away. Nobody is left to be told.
	ErrGone = errors.New("relay: client gone")
)
