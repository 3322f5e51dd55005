package nats

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// recentLen bounds how many payments a recent remembers: twice as many, some 100 bytes each.
const recentLen = 1 << 14

// recent is what is known of payments that had entries of late, so that an append of theirs needs not read them first.
// It is a hint: the leader refuses a message that rests on one that is out of date. Two payments of one hash do no
// harm, for the leader compares what a hint says with the payment's own subject.
type recent struct {
	seed maphash.Seed

	mu       sync.Mutex
	now, old map[uint64]*hint // by the payment's hash; old is dropped when now is full
}

// hint is what is known of a payment. The zero hint is that of one without entries.
type hint struct {
	last  uint64    // sequence of its newest message
	stamp time.Time // the newest time of an append
	ids   []uint64  // hashes of all its events' ids
}

// behind adds m to h. It reports false if h does not end where m follows.
func (h *hint) behind(m stored, id uint64) bool {
	if m.before != h.last {
		return false
	}
	h.last, h.ids = m.Position.Seq, append(h.ids, id)
	if m.stamped {
		h.stamp = m.Event.Time
	}
	return true
}

// learn adds a message that follows what is known of its payment. What is known of another past is dropped.
func (r *recent) learn(m stored) {
	payment, id := maphash.String(r.seed, m.Event.Payment), maphash.String(r.seed, m.Event.ID)
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.find(payment)
	if h != nil && m.Position.Seq <= h.last {
		return
	}
	if h == nil || m.before == 0 {
		h = &hint{}
	}
	if !h.behind(m, id) {
		delete(r.now, payment)
		return
	}
	r.put(payment, h)
}

// learnAll replaces what is known of a payment by the whole of its log.
func (r *recent) learnAll(payment string, log []stored) {
	h := &hint{}
	for i, m := range log {
		if i == 0 {
			h.last = m.before // what was before it has expired
		}
		if !h.behind(m, maphash.String(r.seed, m.Event.ID)) {
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.find(maphash.String(r.seed, payment)); known == nil || known.last < h.last {
		r.put(maphash.String(r.seed, payment), h)
	}
}

// find returns the hint of a payment's hash, or nil. It is in now from here on.
func (r *recent) find(payment uint64) *hint {
	if h := r.now[payment]; h != nil {
		return h
	}
	h := r.old[payment]
	if h != nil {
		delete(r.old, payment)
		r.put(payment, h)
	}
	return h
}

func (r *recent) put(payment uint64, h *hint) {
	if r.now == nil || len(r.now) >= recentLen && r.now[payment] == nil {
		r.old, r.now = r.now, make(map[uint64]*hint)
	}
	r.now[payment] = h
}

// lacks returns where a message with the id can be published, and after which time of an append, if the payment is not
// known to have that id.
func (r *recent) lacks(payment, id string) (last uint64, stamp time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.find(maphash.String(r.seed, payment))
	if h == nil {
		return 0, time.Time{}, true
	}
	return h.last, h.stamp, !slices.Contains(h.ids, maphash.String(r.seed, id))
}
