package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Tail has one ordered consumer, which any replica may feed. One that dies, skips or lags is replaced by another at the
// next entry. It fails when that entry has expired, when the stream is deleted, and when an entry cannot be read.
func (e *Engine) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	t := &tail{Engine: e, deliver: deliver}
	for {
		err := e.attempts(ctx, callTime, func(ctx context.Context) (err error) { return t.begin(ctx, after) })
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("nats: tail: %w", err)
		}
	}
	wait := time.Millisecond
	for {
		err := e.judge(t.run(ctx))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case t.life.ctx.Err() != nil:
			return fmt.Errorf("nats: tail: %w", context.Cause(t.life.ctx))
		case !passing(err):
			return fmt.Errorf("nats: tail: %w", err)
		}
		if err := e.pause(ctx, wait, err); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("nats: tail: %w", err)
		}
		wait = min(2*wait, 250*time.Millisecond)
		if t.delivered {
			wait, t.delivered = time.Millisecond, false
		}
	}
}

// tail is one Tail under way.
type tail struct {
	*Engine
	life      *life
	deliver   func(relay.Entry)
	next      uint64 // sequence of the next entry, 0 for the oldest there is
	delivered bool   // something, since it was last set
}

// begin finds out where the tail begins.
func (t *tail) begin(ctx context.Context, after relay.Position) error {
	v, err := t.look(ctx, about{})
	if err != nil {
		return err
	}
	if t.life = v.life; after.IsZero() {
		return nil
	}
	if after.Epoch != v.epoch {
		return fmt.Errorf("the position is one of another stream: epoch %.64q, this one's is %s", after.Epoch, v.epoch)
	}
	t.next = min(after.Seq, max(v.state.LastSeq, v.high.Load())) + 1
	return nil
}
