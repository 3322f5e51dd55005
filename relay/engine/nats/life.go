package nats

import (
	"context"
	"hash/maphash"
	"sync"
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

	high   atomic.Uint64 // the newest sequence that this engine has made known to anybody
	known  known
	recent recent
}

func (p place) life(epoch string) *life {
	l := &life{epoch: epoch, prefix: p.prefix(epoch)}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	l.known.seed, l.recent.seed = maphash.MakeSeed(), maphash.MakeSeed()
	return l
}

// subject is where a payment's messages lie.
func (l *life) subject(payment string) string {
	return string(appendToken(append(make([]byte, 0, len(l.prefix)+len(payment)+16), l.prefix...), payment))
}

// note remembers that the entry at seq was made known.
func (l *life) note(payment string, seq uint64) {
	l.known.note(payment, seq)
	l.raise(seq)
}

// raise remembers that the log reaches at least to seq.
func (l *life) raise(seq uint64) {
	for {
		high := l.high.Load()
		if seq <= high || l.high.CompareAndSwap(high, seq) {
			return
		}
	}
}

// known is the newest sequence of each payment that was made known of late. A tail may be fed by a replica that has
// applied more than the leader has: a read that does not find what was delivered asks again. What the leader itself is
// known to have applied is forgotten, for every later leader has it before it leads.
type known struct {
	seed maphash.Seed

	mu       sync.Mutex
	recent   map[uint64]uint64 // by the payment's hash: two of one hash only wait for each other
	older    map[uint64]uint64
	olderTop uint64 // the newest sequence in older
	top      uint64 // the newest sequence in recent
}

func (k *known) note(payment string, seq uint64) {
	h := maphash.String(k.seed, payment)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.recent == nil {
		k.recent = make(map[uint64]uint64)
	}
	if seq > k.recent[h] {
		k.recent[h] = seq
	}
	k.top = max(k.top, seq)
}

// least returns the sequence that the payment's newest message must have at least.
func (k *known) least(payment string) uint64 {
	h := maphash.String(k.seed, payment)
	k.mu.Lock()
	defer k.mu.Unlock()
	return max(k.recent[h], k.older[h])
}

// applied says that the leader has applied everything up to seq.
func (k *known) applied(seq uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.olderTop > seq {
		return
	}
	k.older, k.olderTop = k.recent, k.top
	k.recent, k.top = nil, 0
}
