// Package poll answers waits as long polls: one JSON answer as soon as there is something to tell, or when the time
// that the client asked for is over.
package poll

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/wire"
)

// Options of a Transport. The zero value works.
type Options struct {
	// WriteTimeout is how long a client may take to accept the answer. 0 is 10 s.
	WriteTimeout time.Duration
}

// Transport is the transport.Transport of the route …/poll.
type Transport struct{ opts Options }

// New returns a Transport.
func New(o Options) *Transport {
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	return &Transport{opts: o}
}

// Name returns "poll".
func (t *Transport) Name() string { return "poll" }

// Stop has nothing to wait for: net/http knows every request.
func (t *Transport) Stop(context.Context) error { return nil }

// Serve answers once.
func (t *Transport) Serve(w http.ResponseWriter, r *http.Request, wait transport.Wait) {
	patience, err := transport.PollWait(r)
	if err != nil {
		transport.NewProblem(http.StatusBadRequest, "bad_request", err.Error()).Write(w)
		return
	}
	inbox := transport.NewInbox()
	sub, err := wait.Subscribe(r.Context(), inbox)
	if err != nil {
		transport.EndOf(err).Problem().Write(w)
		return
	}
	defer sub.Close(relay.ErrGone)

	a := answer{cursor: wait.After}
	a.add(inbox.Bind(sub))
	transport.Unbound(w)
	over := time.NewTimer(patience)
	defer over.Stop()
	for waiting := true; waiting && !a.complete(); {
		select {
		case <-inbox.Wake(): // also for what was taken already
			a.add(inbox.Take())
		case <-over.C:
			waiting = false
		case <-r.Context().Done():
			return
		}
	}
	// Only a test's ResponseWriter has no deadline to set.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(t.opts.WriteTimeout))
	a.write(w)
}

// answer collects what one poll tells.
type answer struct {
	cursor relay.Position // the client's

	state    relay.State
	position relay.Position // of the last thing told, the next cursor
	events   []wire.Event
	end      error
}

func (a *answer) add(frames []transport.Frame) {
	for _, f := range frames {
		switch {
		case f.State != nil:
			a.see(*f.State, f.State.Position)
		case f.Told != nil:
			a.see(*f.Told.State, f.Told.Position)
			a.events = append(a.events, wire.NewEvent(f.Told.Event))
		case f.End != nil:
			a.end = f.End
		}
	}
}

// see takes what is further than what was seen before. The state comes first and what it consists of is replayed after
// it, each event with the state of its own time.
func (a *answer) see(s relay.State, at relay.Position) {
	if s.Position.Compare(a.state.Position) >= 0 {
		a.state = s
	}
	if at.Compare(a.position) > 0 || a.position.IsZero() {
		a.position = at
	}
}

// complete reports whether there is anything that a client with the cursor does not know, and nothing left that is
// sure to follow it at once: an outcome is followed by the end.
func (a *answer) complete() bool {
	if a.end != nil {
		return true
	}
	c := a.state.Contradicted
	news := len(a.events) > 0 || !c.IsZero() && (c.Epoch != a.cursor.Epoch || c.Compare(a.cursor) > 0)
	return news && !a.state.Final
}

func (a *answer) write(w http.ResponseWriter) {
	out := wire.Poll{
		Events:   a.events,
		State:    wire.NewSnapshot(a.state),
		Position: a.position.String(),
	}
	if out.Events == nil {
		out.Events = []wire.Event{}
	}
	switch end := transport.EndOf(a.end); {
	case a.end == nil:
	case errors.Is(a.end, relay.ErrDone) || errors.Is(a.end, relay.ErrExpired):
		out.End = &wire.End{Code: end.Code}
	case len(a.events) == 0:
		end.Problem().Write(w)
		return
	}
	transport.WriteJSON(w, http.StatusOK, out)
}
