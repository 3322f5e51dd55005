package relay

import (
	"hash/maphash"
	"sync"
)

// Lock order: an engine's own, then a shard's, then a subscription's. No engine and no waiter is called under a
// shard's or a subscription's lock.

const shardCount = 64

// shard holds a part of the topics. A topic is one payment that somebody waits for.
type shard struct {
	mu     sync.Mutex
	topics map[string]*topic
	most   int // topics at one time in this map, which never shrinks
}

// smallMap is up to how many topics a map that is empty again is kept.
const smallMap = 64

type topic struct {
	subs []*Subscription
	// live says that the topic follows the tail: the first subscription has read the log. What the tail brings before
	// that waits in backlog.
	live bool
	// state follows the tail. It is nil as long as nothing is known of the payment, as of most that are awaited.
	state   *State
	backlog []Entry
}

func (r *Relay) shard(payment string) *shard {
	return &r.shards[maphash.String(r.seed, payment)%shardCount]
}

// add registers sub, so that it is told what the tail brings from this moment on.
func (r *Relay) add(sub *Subscription) error {
	if err := r.limits.admit(sub.address, r.opts); err != nil {
		return err
	}
	sh := r.shard(sub.payment)
	sh.mu.Lock()
	t := sh.topics[sub.payment]
	var err error
	switch {
	case r.draining.Load(): // under the lock, so that endAll either sees sub or add sees the drain
		err = ErrClosing
	case t != nil && r.opts.MaxPerPayment > 0 && len(t.subs) >= r.opts.MaxPerPayment:
		err = ErrCrowded
	case t == nil:
		t = new(topic)
		sh.topics[sub.payment] = t
		sh.most = max(sh.most, len(sh.topics))
	}
	if err == nil {
		sub.topic, sub.index = t, len(t.subs)
		t.subs = append(t.subs, sub)
	}
	sh.mu.Unlock()
	if err != nil {
		r.limits.leave(sub.address, r.opts)
	}
	return err
}

func (r *Relay) remove(sub *Subscription) {
	sh, t := r.shard(sub.payment), sub.topic
	sh.mu.Lock()
	last := len(t.subs) - 1
	t.subs[sub.index] = t.subs[last]
	t.subs[sub.index].index = sub.index
	t.subs[last] = nil
	t.subs = t.subs[:last]
	if last == 0 && sh.topics[sub.payment] == t {
		delete(sh.topics, sub.payment)
		if len(sh.topics) == 0 && sh.most > smallMap {
			sh.topics, sh.most = make(map[string]*topic), 0
		}
	}
	sh.mu.Unlock()
	r.limits.leave(sub.address, r.opts)
}

// goLive makes sub's topic follow the tail from what sub has read on, unless it does already. Others may have begun to
// subscribe meanwhile and have read less than sub did, with the tail still to come or in the backlog: they are told
// all that sub has read, and leave out what they know. As long as the topic is not live all its subscriptions are
// still in Subscribe, hence busy: they are left notices here, and no waiter is called under the lock.
func (r *Relay) goLive(sub *Subscription, k *known) {
	sh, t := r.shard(sub.payment), sub.topic
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if t.live {
		return
	}
	t.live = true
	if len(t.subs) > 1 {
		t.queue(sub.payment, k.entries)
	} else if len(k.entries) != 0 {
		state := k.state
		t.state = &state
	}
	t.queue(sub.payment, t.backlog)
	t.backlog = nil
}

// queue folds entries and leaves what is to be told of them with all subscriptions, which are busy.
func (t *topic) queue(payment string, entries []Entry) {
	for _, en := range entries {
		n := t.follow(payment, en)
		if n == nil {
			continue
		}
		for _, sub := range t.subs {
			sub.leave(n)
		}
	}
}

// follow folds what the tail brought and returns what the waiters are to be told of it, nil if nothing.
func (t *topic) follow(payment string, en Entry) *notice {
	if t.state == nil {
		s := NewState(payment)
		t.state = &s
	}
	if en.Position.Compare(t.state.Position) <= 0 {
		return nil
	}
	v := t.state.Apply(en)
	n := &notice{at: en.Position, told: v.Told}
	if v.Conflict != "" {
		s := *t.state
		n.state = &s
	}
	if len(n.told) == 0 && n.state == nil {
		return nil
	}
	return n
}

// deliver hands an entry of the tail to the subscriptions of its payment.
func (r *Relay) deliver(en Entry) {
	sh := r.shard(en.Event.Payment)
	sh.mu.Lock()
	t := sh.topics[en.Event.Payment]
	if t == nil {
		sh.mu.Unlock()
		return
	}
	if !t.live {
		t.backlog = append(t.backlog, en)
		sh.mu.Unlock()
		return
	}
	n := t.follow(en.Event.Payment, en)
	var few [4]*Subscription // of a checkout: its pages, its till
	subs := few[:0]
	if n != nil {
		subs = append(subs, t.subs...)
	}
	sh.mu.Unlock()
	if len(subs) > crowdSize {
		r.crowd.tell(subs, n)
		return
	}
	for _, sub := range subs {
		sub.push(n)
	}
}

// endAll ends every subscription. Their topics are given up with them, so that a topic never follows the tail over a
// gap: who subscribes from this moment on reads the log anew.
func (r *Relay) endAll(reason error) {
	for i := range r.shards {
		sh := &r.shards[i]
		var subs []*Subscription
		sh.mu.Lock()
		for _, t := range sh.topics {
			subs = append(subs, t.subs...)
		}
		clear(sh.topics)
		sh.mu.Unlock()
		for _, sub := range subs {
			sub.Close(reason)
		}
	}
}
