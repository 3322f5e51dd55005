package nats

import (
	"context"
	"fmt"

	"github.com/tillbell/tillbell/relay"
)

// Scan asks the leader where the log ends, and any replica for the entries, up to 500 a request.
func (e *Engine) Scan(ctx context.Context, after relay.Position, limit int) ([]relay.Entry, error) {
	var entries []relay.Entry
	err := e.attempts(ctx, callTime, func(ctx context.Context) error {
		v, err := e.look(ctx, about{})
		if err != nil {
			return err
		}
		v.raise(v.state.LastSeq)
		from := after.Seq + 1
		if after.Epoch != v.epoch || after.Seq > v.state.LastSeq {
			from = 1
		}
		entries, err = e.scan(ctx, v, from, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("nats: scan: %w", err)
	}
	return entries, nil
}

// scan returns up to limit entries from a sequence on.
func (e *Engine) scan(ctx context.Context, v view, from uint64, limit int) ([]relay.Entry, error) {
	next := max(from, v.state.FirstSeq)
	if limit <= 0 || next > v.state.LastSeq {
		return nil, nil
	}
	end := next + min(uint64(limit), v.state.LastSeq-next+1)
	entries := make([]relay.Entry, 0, end-next)
	for next < end {
		found, _, err := e.askAny(ctx, v.life, question{Seq: next, Batch: int(min(batchLen, end-next))})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 || found[0].Position.Seq != next { // a replica that lags, or expires sooner
			m, err := e.following(ctx, v.life, next)
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
			if m.Event.Payment != "" {
				entries = append(entries, m.Entry)
			} else if end <= v.state.LastSeq { // in the place of what is no entry
				end++
			}
			next++
		}
	}
	return entries, nil
}

// following asks for the message at next, which the leader had. If it has expired meanwhile, or the server that answers
// does not have it, it is errAgain. If the leader has lost it, that is logged, and the message behind what it has lost is
// returned; a zero one if there is none.
func (e *Engine) following(ctx context.Context, l *life, next uint64) (stored, error) {
	m, found, err := e.askLeader(ctx, l, question{Seq: next})
	if err != nil || found {
		return m, err
	}
	v, err := e.look(ctx, about{Deleted: true})
	if err != nil {
		return stored{}, err
	}
	behind := next
	for _, seq := range v.state.Deleted { // in order
		if seq == behind {
			behind++
		}
	}
	if v.life != l || v.state.FirstSeq > next || behind == next {
		return stored{}, fmt.Errorf("%w: entry %d was not found", errAgain, next)
	}
	e.log.Error("nats: the servers have lost entries", "stream", e.place.stream, "from", next, "before", behind)
	if behind > v.state.LastSeq {
		return stored{}, nil
	}
	if m, found, err = e.askLeader(ctx, l, question{Seq: behind}); err == nil && !found {
		err = fmt.Errorf("%w: entry %d was not found", errAgain, behind)
	}
	return m, err
}
