package nats

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tillbell/tillbell/relay"
)

// few is how many of a payment's messages are asked for one by one. To find the message of a subject that follows
// another the servers search a block of the file, message by message; a message of a known sequence they have at once.
const few = 8

// Read asks the stream's leader how many entries the payment has, and then for the newest; each one says which was before
// it. So a payment that is unknown costs one request, one with n entries costs n + 1, and if they are more than 8, one or
// two more for all the others.
func (e *Engine) Read(ctx context.Context, payment string) ([]relay.Entry, error) {
	var entries []relay.Entry
	err := e.attempts(ctx, callTime, func(ctx context.Context) error {
		l, log, err := e.read(ctx, payment)
		if err != nil {
			return err
		}
		entries = make([]relay.Entry, len(log))
		for i := range log {
			entries[i] = log[i].Entry
		}
		if n := len(log); n > 0 {
			l.raise(log[n-1].Position.Seq)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("nats: read: %w", err)
	}
	return entries, nil
}

// read returns all messages of the payment that the only leader has, or errAgain.
func (e *Engine) read(ctx context.Context, payment string) (*life, []stored, error) {
	l, err := e.current()
	if err != nil {
		return nil, nil, err
	}
	subject := l.subject(payment)
	v, err := e.look(ctx, about{Subject: subject})
	if err != nil {
		return nil, nil, err
	}
	if v.life != l {
		return nil, nil, fmt.Errorf("%w: the stream was made anew", errAgain)
	}
	n := v.state.Subjects[subject]
	if n == 0 {
		return l, nil, nil
	}
	log, err := e.chain(ctx, l, payment)
	if err == nil && !whole(log, v.state.FirstSeq, n) {
		log, err = e.fill(ctx, l, payment, log)
	}
	if err == nil && !whole(log, v.state.FirstSeq, n) {
		err = fmt.Errorf("%w: not all of the payment's %d entries were found", errAgain, n)
	}
	return l, log, err
}

// whole reports whether log has at least n messages that had not expired when the leader said where its log begins.
func whole(log []stored, first, n uint64) bool {
	for _, m := range log {
		if m.Position.Seq >= first && n > 0 {
			n--
		}
	}
	return n == 0
}

// fill adds to log what any replica has of the payment. It is needed when a server that was deposed answered, or the
// servers have lost an entry that others point to.
func (e *Engine) fill(ctx context.Context, l *life, payment string, log []stored) ([]stored, error) {
	all, err := e.history(ctx, l, payment)
	if err != nil {
		return nil, err
	}
	for _, m := range log {
		all[m.Position.Seq] = m
	}
	return slices.SortedFunc(maps.Values(all), func(a, b stored) int { return a.Position.Compare(b.Position) }), nil
}

// chain returns the payment's messages from the newest that a server has to the one whose predecessor it has not.
func (e *Engine) chain(ctx context.Context, l *life, payment string) ([]stored, error) {
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
		if !found { // it has expired, or the server was deposed
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
