package nats

import (
	"context"
	"hash/maphash"
	"sync/atomic"
)

// life is one life of the stream: what lies between its making and its deletion. Positions of two lives have nothing in
// common.
type life struct {
	epoch  string
	prefix string // of subjects

	// ctx ends, with the reason as its cause, when the stream is gone or was made anew.
	ctx context.Context
	end context.CancelCauseFunc

	edited atomic.Bool   // the stream has other settings than it was opened with, which was logged
	high   atomic.Uint64 // the newest sequence that this engine has made known to anybody
	recent recent
}

func (p place) life(epoch string) *life {
	l := &life{epoch: epoch, prefix: p.prefix(epoch)}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	l.recent.seed = maphash.MakeSeed()
	return l
}

// subject is where a payment's messages lie.
func (l *life) subject(payment string) string {
	return string(appendToken(append(make([]byte, 0, len(l.prefix)+len(payment)+16), l.prefix...), payment))
}

// raise remembers that the log was made known up to seq. A tail may be fed by a replica that has applied more than the
// leader has: whoever answers from before that is not believed.
func (l *life) raise(seq uint64) {
	for {
		high := l.high.Load()
		if seq <= high || l.high.CompareAndSwap(high, seq) {
			return
		}
	}
}
