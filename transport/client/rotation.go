package client

import (
	"errors"
	"slices"
	"time"
)

// transports are what a wait tries, in this order.
var transports = []string{"sse", "ws", "poll"}

// patient is how many connections in a row may break off young before another transport is tried.
const patient = 2

// rotation chooses the transport of the next connection: the same as long as it works, else the next one. It begins
// with the one that proved itself last for the server.
type rotation struct {
	server  string // "" if nothing is to be remembered
	trusted string // the transport that has proven itself in this wait
	names   []string
	current int
	barren  int   // transports in a row that did not work
	broken  int   // connections in a row that worked, and broke off before they had proven themselves
	refused error // the first failure of this round if all of them were refusals for good
}

// newRotation chooses among all transports for the server, or has the named one alone.
func newRotation(server, named string) *rotation {
	if named != "" {
		return &rotation{names: []string{named}}
	}
	r := &rotation{server: server, names: slices.Clone(transports)}
	// That is where to begin, and no proof: the machine may be in another network since.
	if i := slices.Index(r.names, proofs.recall(server)); i > 0 {
		r.names = slices.Insert(slices.Delete(r.names, i, i+1), 0, transports[i])
	}
	return r
}

func (r *rotation) name() string { return r.names[r.current] }

// trust reports whether the transport, which works, has proven itself: on this connection, or before.
func (r *rotation) trust(proven bool) bool {
	if proven && r.trusted != r.name() {
		r.trusted = r.name()
		if r.server != "" {
			proofs.keep(r.server, r.trusted)
		}
	}
	return r.trusted == r.name()
}

// patience returns how long the transport may take to its first useful frame.
func (r *rotation) patience() time.Duration {
	if r.barren == len(r.names)-1 {
		return lastFrame
	}
	return firstFrame
}

// note takes how the connection went, and whether the server ended it. again says that the next transport is to be
// tried at once; after a round through all of them in vain it is time for a pause, or, if each was refused for good,
// for the refusal.
func (r *rotation) note(l *leg, ended bool, err error) (again bool, refusal error) {
	if !ended {
		r.trusted = ""
	}
	if l.worked || ended {
		r.barren = 0
		r.broken++
		if ended || l.proven {
			r.broken = 0
		}
		if r.broken == patient {
			r.broken = 0
			r.current = (r.current + 1) % len(r.names)
		}
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
