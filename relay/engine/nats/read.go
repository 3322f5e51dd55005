package nats

import (
	"context"
	"fmt"
	"slices"

	"github.com/tillbell/tillbell/relay"
)

// few is how many of a payment's messages are asked for one by one. To find the message of a subject that follows
// another the servers search a block of the file, message by message; a message of a known sequence they have at once.
const few = 8

// Read asks the stream's leader for the payment's newest entry; each one says which was before it. So a payment that is
// unknown or has one entry costs one request, one with n entries costs n, and if they are more than 8, one or two more
// for all the others.
func (e *Engine) Read(ctx context.Context, payment string) ([]relay.Entry, error) {
	var entries []relay.Entry
	err := e.attempts(ctx, callTime, func(ctx context.Context) error {
		l, err := e.current()
		if err != nil {
			return err
		}
		least := l.known.least(payment)
		if !e.watch.leased(l) {
			if _, _, err := e.look(ctx); err != nil {
				return err
			}
		}
		log, err := e.read(ctx, l, payment)
		if err != nil {
			return err
		}
		if !e.watch.leased(l) { // a leader that was deposed may not know it yet
			return errAgain
		}
		if len(log) == 0 || log[len(log)-1].Position.Seq < least {
			if err := e.lacks(ctx, least); err != nil {
				return err
			}
		}
		entries = make([]relay.Entry, len(log))
		for i := range log {
			entries[i] = log[i].Entry
		}
		if n := len(log); n > 0 {
			l.note(payment, log[n-1].Position.Seq)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("nats: read: %w", err)
	}
	return entries, nil
}

// lacks returns an error if the leader does not have the entry at seq yet, and none if it has expired, or if seq is 0.
func (e *Engine) lacks(ctx context.Context, seq uint64) error {
	if seq == 0 {
		return nil
	}
	_, state, err := e.look(ctx)
	if err == nil && state.FirstSeq <= seq {
		err = errAgain
	}
	return err
}

// read returns the payment's messages as the server knows them that holds itself to be the leader.
func (e *Engine) read(ctx context.Context, l *life, payment string) ([]stored, error) {
	m, found, err := e.askLeader(ctx, l, question{LastFor: l.subject(payment)})
	if err != nil || !found {
		return nil, err
	}
	log := []stored{m}
	var batch map[uint64]stored
	for m.before != 0 {
		before, found := batch[m.before]
		if !found {
			if before, found, err = e.askLeader(ctx, l, question{Seq: m.before}); err != nil {
				return nil, err
			}
		}
		if !found { // it has expired
			break
		}
		if before.Event.Payment != payment {
			return nil, fmt.Errorf("message %d of the stream should be one of the same payment as %d", m.before, m.Position.Seq)
		}
		log = append(log, before)
		if m = before; m.before != 0 && len(log) == few {
			if batch, err = e.history(ctx, l, payment); err != nil {
				return nil, err
			}
		}
	}
	slices.Reverse(log)
	return log, nil
}

// history returns what any replica knows of the payment.
func (e *Engine) history(ctx context.Context, l *life, payment string) (map[uint64]stored, error) {
	batch := make(map[uint64]stored)
	q := question{NextFor: l.subject(payment), Batch: batchLen}
	for {
		found, more, err := e.askAny(ctx, l, q)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			batch[m.Position.Seq] = m
			q.Seq = m.Position.Seq + 1
		}
		if !more || len(found) == 0 {
			return batch, nil
		}
	}
}
