package client

import (
	"context"
	"errors"
	"time"
)

// conclude returns what err, which ended the wait, comes to.
func (a *await) conclude(ctx context.Context, err error) (Outcome, error) {
	end, isEnd := errors.AsType[*ended](err)
	switch {
	case ctx.Err() != nil:
		return a.outcome(""), context.Cause(ctx)
	case isEnd:
		return a.settle(ctx, end.code)
	case errors.Is(err, errRead):
		a.recall(ctx)
		return a.settle(ctx, Done)
	case errors.Is(err, ErrUnauthorized) && a.told: // the ticket was good, so it has expired
		return a.outcome(Expired), nil
	default:
		return a.outcome(""), err
	}
}

// recall asks once for the events behind an outcome that was read before they were told.
func (a *await) recall(ctx context.Context) {
	if a.opts.OnEvent == nil || a.cursor == a.kept.Position {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if p, err := a.poll(ctx, a.cursor, 0); err == nil {
		a.answer(p)
	}
}

// settleTries is how often the outcome is read when it is only known that there is one.
const settleTries = 5

// settle returns the outcome of a wait that has ended with the code. What is kept may be no more than an event, or
// nothing where the cursor had the outcome already, so the state is read once more.
func (a *await) settle(ctx context.Context, code string) (Outcome, error) {
	for try := 1; !a.exact || code == Done && !a.kept.Final; try++ {
		p, err := a.read(ctx, a.cursor)
		if err == nil {
			a.answer(p)
			if code == Expired || a.kept.Final {
				break
			}
			err = errors.New("the outcome is told but cannot be read")
		}
		if ctx.Err() != nil {
			return a.outcome(""), context.Cause(ctx)
		}
		if code == Expired || a.kept.Final { // what is kept says enough, and the ticket may have expired
			break
		}
		if errors.Is(err, ErrUnauthorized) || try == settleTries {
			return a.outcome(""), err
		}
		if err := a.rest(ctx, err, pauseAfter(try, asked(err))); err != nil {
			return a.outcome(""), err
		}
	}
	return a.outcome(code), nil
}

// rest pauses between two readings of the outcome.
func (a *await) rest(ctx context.Context, cause error, d time.Duration) error {
	if a.opts.OnRetry != nil {
		a.opts.OnRetry(cause, d)
	}
	return sleep(ctx, d)
}
