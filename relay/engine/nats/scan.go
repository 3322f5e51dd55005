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
			m, ok, err := e.askLeader(ctx, l, question{Seq: next})
			if err != nil {
				return nil, err
			}
			if !ok && len(entries) > 0 {
				return nil, fmt.Errorf("message %d of the stream is missing", next)
			}
			if !ok { // it has expired meanwhile
				next++
				continue
			}
			found = []stored{m}
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
