package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// delivery is what send posts, and how.
type delivery struct {
	setup    setup
	source   string // its name
	provider callback.About
	account  fault.Account
	options  sendOptions
	says     callback.Notification
	// conflicts is how many the payment had before.
	conflicts int
	post      func(context.Context, setup, string, callback.Request) (answered, error)
	out       io.Writer
}

// run posts all callbacks of the fault, one after the other. With --retries each comes until it is acknowledged.
func (d *delivery) run(ctx context.Context) error {
	now := time.Now()
	d.says.Time = now
	posts, err := fault.Compose(d.options.fault, d.account, d.says, now)
	if err != nil {
		return about(d.source, d.provider.Name, err)
	}
	if d.options.retries && len(d.provider.Retries) == 0 {
		return fmt.Errorf("%s tries once and no more: --retries has nothing to play", d.provider.Label)
	}
	d.says = pinned(d.says, d.account.Provider, posts[0], now)
	refused := false
	for i, p := range posts {
		acknowledged, err := d.deliver(ctx, p, now, func(now time.Time) (fault.Posting, error) {
			posts, err := fault.Compose(d.options.fault, d.account, d.says, now)
			if err != nil {
				return fault.Posting{}, err
			}
			return posts[i], nil
		})
		if err != nil {
			return err
		}
		refused = refused || !acknowledged
	}
	if refused {
		return exit{code: exitError}
	}
	return nil
}

// pinned gives n the ids of the callback that says it, so that each try is about the same event.
func pinned(n callback.Notification, p callback.Provider, first fault.Posting, now time.Time) callback.Notification {
	events, err := p.Parse(first.Request, now)
	if err != nil || len(events) != 1 {
		return n
	}
	if !events[0].Derived {
		n.ID = cmp.Or(n.ID, events[0].ID)
	}
	n.TransactionID = cmp.Or(n.TransactionID, events[0].TransactionID)
	return n
}

// deliver posts p, which was signed at the time at, and prints the answer. With --retries it goes on until the callback is
// acknowledged or the provider would give up; again signs it anew, which is done for each try of a provider whose
// signatures grow old.
func (d *delivery) deliver(
	ctx context.Context, p fault.Posting, at time.Time, again func(time.Time) (fault.Posting, error),
) (acknowledged bool, err error) {
	for try := 1; ; try++ {
		a, err := d.attempt(ctx, p, at)
		if err != nil {
			return false, err
		}
		next := d.next(try, a)
		printPosting(d.out, p, d.source, a, d.options, next)
		if next.after == 0 {
			return a.acknowledged, nil
		}
		if err := sleep(ctx, next.pause); err != nil {
			return false, exit{exitError, errors.New("interrupted, the callback is not acknowledged")}
		}
		if d.provider.Timed() {
			at = time.Now()
			if p, err = again(at); err != nil {
				return false, about(d.source, d.provider.Name, err)
			}
		}
	}
}

// attempt posts p once. With --retries a server that does not answer is an answer too: providers come again.
func (d *delivery) attempt(ctx context.Context, p fault.Posting, at time.Time) (answered, error) {
	if err := announce(ctx, p, at); err != nil {
		return answered{}, about(d.source, d.provider.Name, err)
	}
	a, err := d.post(ctx, d.setup, d.source, p.Request)
	switch {
	case err != nil && d.options.retries && ctx.Err() == nil:
		return answered{body: err.Error()}, nil
	case err != nil:
		return a, err
	}
	if a.acknowledged {
		if all := d.setup.payment(ctx, d.says.Payment).Conflicts; len(all) > d.conflicts {
			d.conflicts, a.conflict = len(all), all[len(all)-1].Reason
		}
	}
	return a, nil
}

// next is what follows a try.
type next struct {
	try, of int // of is 0 without --retries
	// after is the provider's pause before the next try, pause the same at the chosen speed. Both are 0 if there is none.
	after, pause time.Duration
	// over says that there is none because the provider gives up.
	over bool
}

func (d *delivery) next(try int, a answered) next {
	if !d.options.retries {
		return next{}
	}
	n := next{try: try, of: len(d.provider.Retries) + 1}
	switch {
	case a.acknowledged:
	case try == n.of:
		n.over = true
	default:
		n.after = d.provider.Retries[try-1]
		n.pause = time.Duration(float64(n.after) / d.options.speed)
	}
	return n
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
