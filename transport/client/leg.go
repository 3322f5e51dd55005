package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/transport/wire"
)

// Time limits of one connection.
const (
	// firstFrame is how long a transport may take to its first useful frame where another can be tried: proxies that
	// buffer streams or swallow WebSockets show in nothing else.
	firstFrame = 4 * time.Second
	// lastFrame is the same where no other is left.
	lastFrame = 15 * time.Second
	// silence is how long a connection may be quiet: three heartbeats.
	silence = 60 * time.Second
)

var (
	errMute   = errors.New("no useful frame came in time")
	errSilent = errors.New("nothing was heard for a minute")
	errClosed = errors.New("the connection ended without an outcome")
)

// ended is the error of a connection on which the server told the end of the wait, by one of the codes of the End
// table.
type ended struct {
	code  string
	after time.Duration // how long the server wants the client to stay away
}

func (e *ended) Error() string { return "the server ended the wait: " + printable(e.code) }

// final reports whether there is nothing to come back for.
func (e *ended) final() bool { return e.code == Done || e.code == Expired }

// leg is one connection of a wait.
type leg struct {
	*wait
	patience time.Duration
	worked   bool          // a useful frame came
	retry    time.Duration // what the stream asked for; not positive if it did not
	alarm    *time.Timer
}

// run connects by the transport and tells the wait what comes, until the connection is over. The error says why; it is
// never nil.
func (l *leg) run(ctx context.Context, transport string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.alarm = time.AfterFunc(l.patience, func() { cancel(errMute) })
	defer l.alarm.Stop()
	var err error
	switch transport {
	case "sse":
		err = l.sse(ctx)
	case "ws":
		err = l.ws(ctx)
	default:
		err = l.longPoll(ctx)
	}
	_, told := errors.AsType[*ended](err)
	if cause := context.Cause(ctx); cause != nil && !told {
		if errors.Is(cause, errMute) && l.worked {
			cause = errSilent
		}
		err = cause
	}
	return fmt.Errorf("%s: %w", transport, err)
}

// asked returns how long the server wants this client to stay away after err; not positive if it does not say.
func (l *leg) asked(err error) time.Duration {
	if end, ok := errors.AsType[*ended](err); ok && end.after > 0 {
		return end.after
	}
	if status, ok := errors.AsType[*StatusError](err); ok && status.after > 0 {
		return status.after
	}
	return l.retry
}

// heard notes that a useful frame came.
func (l *leg) heard() {
	l.worked = true
	l.alarm.Reset(silence)
}

func (l *leg) state(s wire.Snapshot) {
	l.heard()
	l.wait.state(s)
}

func (l *leg) event(position string, e wire.Event) {
	l.heard()
	l.wait.event(position, e)
}
