package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	// parting is how long the end may take once the outcome was told: something in between may hold back the last bytes.
	parting = 2 * time.Second
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

// news is one useful frame: a state, an event, or nothing but a heartbeat.
type news struct {
	state    *wire.Snapshot
	event    *wire.Event
	position string // where the next connection goes on; empty if the frame does not say
	beat     bool   // the server said that it is there, without being asked
}

// leg is one connection of a wait: a goroutine that reads, and what the wait makes of it.
type leg struct {
	site
	name   string
	cursor string // where it begins
	news   chan news
	over   chan struct{} // closed behind the last news; err and retry are the goroutine's until then
	err    error         // why it is over, never nil
	retry  time.Duration // what the stream asked for; not positive if it did not
	cancel context.CancelFunc

	// The wait's.
	alarm  *time.Timer
	worked bool // a useful frame came
	proven bool // and another by itself: a heartbeat or an event
}

// open connects by the transport. The leg must be closed.
func (s site) open(ctx context.Context, owner *sync.WaitGroup, transport, cursor string, patience time.Duration) *leg {
	ctx, cancel := context.WithCancel(ctx)
	l := &leg{
		site: s, name: transport, cursor: cursor, news: make(chan news), over: make(chan struct{}), cancel: cancel,
		alarm: time.NewTimer(patience),
	}
	owner.Go(func() {
		defer close(l.over)
		l.err = fmt.Errorf("%s: %w", transport, l.run(ctx))
	})
	return l
}

// run reads until the connection is over. The error says why; it is never nil.
func (l *leg) run(ctx context.Context) error {
	switch l.name {
	case "sse":
		return l.sse(ctx)
	case "ws":
		return l.ws(ctx)
	default:
		return l.longPoll(ctx)
	}
}

// tell hands the news to the wait.
func (l *leg) tell(ctx context.Context, n news) error {
	select {
	case l.news <- n:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close cuts the connection, and returns when nothing of it is left.
func (l *leg) close() {
	l.alarm.Stop()
	l.cancel()
	<-l.over
}

// heard notes the news, and gives the next ones their time: not much if they can be nothing but the end.
func (l *leg) heard(n news, final bool) {
	l.worked = true
	l.proven = l.proven || n.beat || n.event != nil
	if final {
		l.alarm.Reset(parting)
	} else {
		l.alarm.Reset(silence)
	}
}

// overdue is the error of a leg whose next news did not come in time.
func (l *leg) overdue() error {
	if l.worked {
		return fmt.Errorf("%s: %w", l.name, errSilent)
	}
	return fmt.Errorf("%s: %w", l.name, errMute)
}

// asked returns how long the server wants this client to stay away after err; not positive if it does not say.
func asked(err error) time.Duration {
	if end, ok := errors.AsType[*ended](err); ok && end.after > 0 {
		return end.after
	}
	if status, ok := errors.AsType[*StatusError](err); ok && status.after > 0 {
		return status.after
	}
	return 0
}
