package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

// Engine is a relay.Engine over a stream of NATS JetStream.
type Engine struct {
	place     place
	retention time.Duration
	log       *slog.Logger
	link      *link
	js        jetstream.JetStream
	replies   *replies
	watch     watch
	turns     turns

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	owned  sync.WaitGroup
}

const (
	// startTime bounds New if its context does not.
	startTime = 10 * time.Second
	// callTime bounds a call of the engine if its context does not.
	callTime = 10 * time.Second
	// attemptTime bounds one question to the servers. Whoever was to answer may have died meanwhile.
	attemptTime = 2 * time.Second
)

// New connects to the servers and opens the stream, which it makes if there is none. It waits, until ctx is done or 10 s
// at most, for a cluster that elects its leaders; servers that cannot be reached it does not wait for. The error is one
// line that says what to change.
func New(ctx context.Context, o Options) (*Engine, error) {
	o = o.withDefaults()
	p, err := parseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("nats: url: %w", err)
	}
	if o.Retention < time.Second {
		return nil, fmt.Errorf("nats: retention %v is under a second", o.Retention)
	}
	link, err := connect(p, o.Log, o.Conn)
	if err != nil {
		return nil, fmt.Errorf("nats: connect: %w", err)
	}
	e := &Engine{place: p, retention: o.Retention, log: o.Log, link: link}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if err := e.start(ctx); err != nil {
		e.cancel()
		link.shut()
		return nil, fmt.Errorf("nats: start: %w", p.refusedBy(err))
	}
	e.owned.Go(e.follow)
	return e, nil
}

// start opens the stream and tries what appends and reads need.
func (e *Engine) start(ctx context.Context) error {
	began := time.Now()
	var err error
	if e.js, err = jetstream.New(e.link.Conn); err != nil {
		return err
	}
	if e.replies, err = newReplies(e.link.Conn); err != nil {
		return err
	}
	return e.attempts(ctx, startTime, func(ctx context.Context) error {
		err := e.enter(ctx)
		if denied := e.link.deniedSince(began); err != nil && denied != nil {
			return fatal{denied}
		}
		switch soon := time.Since(began) < attemptTime; {
		case code(err) == jetstream.JSErrCodeStreamNotFound: // another node has just made it, and not all servers know
			return fmt.Errorf("%w: %w", errAgain, err)
		case unanswered(err) && !soon:
			return fatal{err}
		case code(err) == codeNoPeers && soon: // servers that start find each other in a moment
			return fmt.Errorf("%w: %w", errAgain, err)
		}
		return err
	})
}

// enter opens the stream and does what appends and reads do, to learn whether they may.
func (e *Engine) enter(ctx context.Context) error {
	info, err := e.place.open(ctx, e.js, e.retention)
	if err != nil {
		return err
	}
	l, err := e.adopt(info)
	if err != nil {
		return err
	}
	if err := e.place.probe(ctx, e.js, l); err != nil {
		return err
	}
	_, _, err = e.askLeader(ctx, l, question{LastFor: l.prefix + probeToken})
	return err
}

// Close ends the engine. Tails that have not ended do within some seconds.
func (e *Engine) Close() error {
	e.cancel()
	e.owned.Wait()
	e.link.shut()
	return nil
}

// Head returns the position of the newest entry.
func (e *Engine) Head(ctx context.Context) (relay.Position, error) {
	var p relay.Position
	err := e.attempts(ctx, callTime, func(ctx context.Context) error {
		if !e.link.IsConnected() {
			return fatal{nats.ErrDisconnected}
		}
		v, err := e.look(ctx, about{})
		if err != nil {
			return err
		}
		v.raise(v.state.LastSeq)
		p = relay.Position{Epoch: v.epoch, Seq: v.state.LastSeq}
		return nil
	})
	if err != nil {
		return relay.Position{}, fmt.Errorf("nats: head: %w", err)
	}
	return p, nil
}

// fatal is an error that no further attempt is made after.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// attempts calls try, each time with attemptTime at most, until it succeeds, fails for good, or ctx or the bound is
// over. It waits a little longer after each attempt.
func (e *Engine) attempts(ctx context.Context, bound time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	wait := time.Millisecond
	for {
		one, cancel := context.WithTimeout(ctx, attemptTime)
		err := e.judge(try(one))
		cancel()
		if err == nil {
			return nil
		}
		var f fatal
		if errors.As(err, &f) || !passing(err) {
			return err
		}
		if err := e.pause(ctx, wait, err); err != nil {
			return err
		}
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// pause waits about as long as wait says. It returns an error if ctx is done, in which cause is the reason for waiting.
func (e *Engine) pause(ctx context.Context, wait time.Duration, cause error) error {
	timer := time.NewTimer(wait/2 + rand.N(wait))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
	case <-e.ctx.Done():
		return errors.New("the engine is closed")
	}
	if !e.link.IsConnected() {
		return fmt.Errorf("%w: not connected to any of %v", ctx.Err(), e.place.hosts)
	}
	if errors.Is(cause, context.DeadlineExceeded) || errors.Is(cause, context.Canceled) {
		return fmt.Errorf("%w: no answer from the stream's leader", ctx.Err())
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
