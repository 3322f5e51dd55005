package nats

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

// Scan asks the leader where the log ends, and any replica for the entries, up to 500 a request.
func (e *Engine) Scan(ctx context.Context, after relay.Position, limit int) ([]relay.Entry, error) {
	var entries []relay.Entry
	err := e.attempts(ctx, callTime, func(ctx context.Context) error {
		l, state, err := e.look(ctx)
		if err != nil {
			return err
		}
		if state.LastSeq < l.high.Load() || !e.watch.leased(l) {
			return errAgain
		}
		l.raise(state.LastSeq)
		from := after.Seq + 1
		if after.Epoch != l.epoch || after.Seq > state.LastSeq {
			from = 1
		}
		entries, err = e.scan(ctx, l, state, from, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("nats: scan: %w", err)
	}
	return entries, nil
}

// scan returns up to limit entries from a sequence on, of a log that the leader says is in state.
func (e *Engine) scan(ctx context.Context, l *life, state jetstream.StreamState, from uint64, limit int) ([]relay.Entry, error) {
	next := max(from, state.FirstSeq)
	if limit <= 0 || next > state.LastSeq {
		return nil, nil
	}
	end := next + min(uint64(limit), state.LastSeq-next+1)
	entries := make([]relay.Entry, 0, end-next)
	for next < end {
		found, _, err := e.askAny(ctx, l, question{Seq: next, Batch: int(min(batchLen, end-next))})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 || found[0].Position.Seq != next { // a replica that lags, or expires sooner
			m, err := e.following(ctx, l, next)
			if err != nil || m.Position.Seq == 0 {
				return entries, err
			}
			found, next = []stored{m}, m.Position.Seq
			end = max(end, next+1)
		}
		for _, m := range found {
			if m.Position.Seq != next {
				break
			}
			entries = append(entries, m.Entry)
			l.note(m.Event.Payment, next)
			next++
		}
	}
	return entries, nil
}

// following asks the leader for the message at next. One that has expired meanwhile is errAgain, since so has all before
// it. Of one that the servers have lost it is logged, and the next message that they have is returned; a zero one if
// there is none.
func (e *Engine) following(ctx context.Context, l *life, next uint64) (stored, error) {
	m, found, err := e.askLeader(ctx, l, question{Seq: next})
	if err != nil || found {
		return m, err
	}
	_, state, err := e.look(ctx)
	if err != nil {
		return stored{}, err
	}
	if state.FirstSeq > next {
		return stored{}, fmt.Errorf("%w: entries expire", errAgain)
	}
	if m, found, err = e.askLeader(ctx, l, question{Seq: next, NextFor: l.prefix + "*"}); err != nil || !found {
		return stored{}, err
	}
	e.log.Error("nats: the servers have lost entries", "stream", e.place.stream, "from", next, "before", m.Position.Seq)
	return m, nil
}
