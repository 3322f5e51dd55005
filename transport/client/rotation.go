package client

import (
	"errors"
	"time"
)

// rotation chooses the transport of the next connection: the same as long as it works, else the next one.
type rotation struct {
	names   []string
	current int
	barren  int   // transports in a row that did not work
	refused error // the first failure of this round if all of them were refusals for good
}

func (r *rotation) name() string { return r.names[r.current] }

// patience returns how long the transport may take to its first useful frame.
func (r *rotation) patience() time.Duration {
	if r.barren == len(r.names)-1 {
		return lastFrame
	}
	return firstFrame
}

// note takes how the connection went. again says that the next transport is to be tried at once; after a round through
// all of them in vain it is time for a pause, or, if each was refused for good, for the refusal.
func (r *rotation) note(worked bool, err error) (again bool, refusal error) {
	if worked {
		r.barren = 0
		return false, nil
	}
	switch status, ok := errors.AsType[*StatusError](err); {
	case !ok || !status.permanent():
		r.refused = nil
	case r.barren == 0:
		r.refused = err
	}
	r.current = (r.current + 1) % len(r.names)
	r.barren++
	if r.barren < len(r.names) {
		return true, nil
	}
	r.barren = 0
	return false, r.refused
}
