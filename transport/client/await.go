package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// steady is how long a connection that works must have lasted for the failures before it to be forgotten.
const steady = 10 * time.Second

var (
	// errRead ends a wait whose outcome was read, or told without the end behind it.
	errRead = errors.New("the payment has its outcome")
	// errUnborne ends a connection that told an end which the state does not bear out.
	errUnborne = errors.New("the end was told, but the payment has no outcome")
	// errSlept ends a connection that the machine has slept over: what was sent meanwhile may be lost.
	errSlept = errors.New("the machine has slept")
)

// await is one call of Await: the connections, one behind the other, and the floor beside them. Everything is decided
// in the goroutine of the call; the others only read.
type await struct {
	*wait
	site
	floor    *floor
	way      *rotation
	failures int // connections in a row that came to nothing
	all      sync.WaitGroup
}

func newAwait(o Options, at address) *await {
	a := &await{wait: newWait(o, at.payment), site: newSite(o, at), way: newRotation(at.base, o.Transport)}
	a.floor = newFloor(a.site, &a.all, o.Transport != "")
	return a
}

// run goes from connection to connection until there is nothing to come back for. No goroutine outlives it.
func (a *await) run(ctx context.Context) (Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer a.all.Wait()
	defer cancel()
	defer a.floor.ticker.Stop()
	err := a.first(ctx)
	for err == nil {
		err = a.connect(ctx)
	}
	return a.conclude(ctx, err)
}

// first reads the state before anything else: it may have the outcome. The error ends the wait.
func (a *await) first(ctx context.Context) error {
	if a.floor.off {
		return nil
	}
	a.floor.begin(ctx, a.cursor)
	select {
	case r := <-a.floor.readings:
		if err := a.noted(r); err != nil {
			return err
		}
		if d := asked(r.err); d > 0 {
			return a.pause(ctx, r.err, d)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// connect holds one connection, and pauses behind it. The error ends the wait.
func (a *await) connect(ctx context.Context) error {
	began := time.Now()
	l := a.open(ctx, &a.all, a.way.name(), a.cursor, a.way.patience())
	err := a.listen(ctx, l, nil)
	l.close()
	end, isEnd := errors.AsType[*ended](err)
	if isEnd && end.code == Done && !a.confirm(ctx) {
		err, isEnd = errUnborne, false
	}
	switch {
	case ctx.Err() != nil, errors.Is(err, ErrUnauthorized), isEnd && end.final():
		return err
	case a.kept.Final:
		return errRead
	case errors.Is(err, errSlept):
		return nil
	}
	a.floor.proven = a.floor.proven && isEnd // what breaks off has to prove itself again
	again, refused := a.way.note(l, isEnd, err)
	if refused != nil && !a.told {
		return refused
	}
	d := asked(err)
	if again && d <= 0 {
		return nil
	}
	if l.worked && time.Since(began) > steady {
		a.failures = 0
	}
	a.floor.stay(d)
	if d <= 0 {
		d = l.retry
	}
	return a.pause(ctx, err, d)
}

// confirm reports whether the payment has the outcome that a connection ended with. What it was told may be less, and
// something on the way may have made the end up.
func (a *await) confirm(ctx context.Context) bool {
	if !a.kept.Final {
		if p, err := a.read(ctx, a.cursor); err == nil {
			a.answer(p)
		}
	}
	return a.kept.Final
}

// pause stays away, and not for less than the server asked. The error ends the wait.
func (a *await) pause(ctx context.Context, cause error, asked time.Duration) error {
	a.failures++
	d := pauseAfter(a.failures, asked)
	if a.opts.OnRetry != nil {
		a.opts.OnRetry(cause, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	err := a.listen(ctx, nil, t.C)
	if errors.Is(err, errSlept) {
		return nil
	}
	return err
}

// listen takes what l tells, which may be nil, and what the floor reads, until l is over or the time is. The error says
// why; it is nil if the time is over.
func (a *await) listen(ctx context.Context, l *leg, until <-chan time.Time) error {
	var heard <-chan news
	var over <-chan struct{}
	var alarm <-chan time.Time
	if l != nil {
		heard, over, alarm = l.news, l.over, l.alarm.C
	}
	for {
		select {
		case n := <-heard:
			a.take(n)
			l.heard(n, a.kept.Final)
			a.floor.proven = a.way.trust(l.proven)
		case <-over:
			return l.err
		case <-alarm:
			return l.overdue()
		case <-until:
			return nil
		case <-a.floor.ticker.C:
			slept := a.floor.slept()
			if a.floor.due(slept) {
				a.floor.begin(ctx, a.cursor)
			}
			if slept {
				return errSlept
			}
		case r := <-a.floor.readings:
			if err := a.noted(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// noted takes what the floor has read. The error ends the wait; a reading that failed does not, because the connections
// go on, and the next one may fare better.
func (a *await) noted(r reading) error {
	a.floor.done(r.err)
	if errors.Is(r.err, ErrUnauthorized) {
		return ErrUnauthorized
	}
	if r.failed() {
		return nil
	}
	a.answer(r.Poll)
	if r.End != nil && r.End.Code == Expired {
		return &ended{code: Expired}
	}
	if a.kept.Final {
		return errRead
	}
	return nil
}
