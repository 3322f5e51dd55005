package nats

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

// TestKnown holds that what was made known is remembered until the leader has it, and not much longer.
func TestKnown(t *testing.T) {
	l := place{stream: "S"}.life("epoch")
	l.note("order-1", 5)
	l.note("order-1", 3)
	l.note("order-2", 8)
	for range 3 {
		l.known.applied(4) // of a leader that lags
	}
	if l.known.least("order-1") != 5 || l.known.least("order-2") != 8 || l.known.least("order-3") != 0 {
		t.Errorf("known are %d, %d, %d; want 5, 8, 0", l.known.least("order-1"), l.known.least("order-2"), l.known.least("order-3"))
	}
	l.note("order-1", 9)
	l.known.applied(8)
	if l.known.least("order-1") != 9 {
		t.Errorf("9 is forgotten by a leader at 8")
	}
	l.known.applied(9)
	l.known.applied(9)
	if l.known.least("order-1") != 0 || len(l.known.recent)+len(l.known.older) != 0 {
		t.Errorf("the leader has everything, and %d payments are remembered", len(l.known.recent)+len(l.known.older))
	}
	if l.high.Load() != 9 {
		t.Errorf("high is %d, want 9", l.high.Load())
	}
}

// at is the message at seq, behind the one at before.
func at(seq, before uint64, payment, id string) stored {
	m := stored{before: before}
	m.Position.Seq, m.Event = seq, relay.Event{ID: id, Payment: payment}
	return m
}

// TestRecent holds that a hint is of a payment's whole log, or says nothing.
func TestRecent(t *testing.T) {
	l := place{stream: "S"}.life("epoch")
	r := &l.recent
	lacks := func(id string, wantLast uint64, want bool) {
		t.Helper()
		if last, _, ok := r.lacks("order-1", id); last != wantLast || ok != want {
			t.Errorf("behind %d lacks %q: %v; want behind %d: %v", last, id, ok, wantLast, want)
		}
	}
	lacks("a", 0, true)
	r.learn(at(3, 0, "order-1", "a"))
	lacks("a", 3, false)
	lacks("b", 3, true)
	r.learn(at(7, 3, "order-1", "b"))
	r.learn(at(7, 3, "order-1", "b")) // by the append and by the tail
	r.learn(at(3, 0, "order-1", "a")) // late
	lacks("a", 7, false)
	lacks("b", 7, false)
	r.learn(at(12, 9, "order-1", "d")) // 9 is not known
	lacks("b", 0, true)
	r.learn(at(13, 12, "order-1", "e"))
	lacks("e", 0, true)
	r.learnAll("order-1", []stored{at(9, 7, "order-1", "c"), at(12, 9, "order-1", "d")}) // 7 has expired
	lacks("a", 12, true)
	lacks("c", 12, false)

	for i := range 3 * recentLen {
		r.learn(at(uint64(100+i), 0, fmt.Sprint("other-", i), "x"))
	}
	lacks("c", 0, true)
	if n := len(r.now) + len(r.old); n > 2*recentLen {
		t.Errorf("%d payments are remembered, want %d at most", n, 2*recentLen)
	}
}

func TestLater(t *testing.T) {
	now := time.Now()
	if got := later(now, time.Time{}); !got.Equal(now) {
		t.Errorf("later = %v, want now", got)
	}
	for _, last := range []time.Time{now, now.Add(time.Hour)} {
		if got := later(now, last); got.Sub(last) != 1 {
			t.Errorf("later = %v behind the last, want 1ns", got.Sub(last))
		}
	}
}

// TestLease holds for how long a leader counts as the only one by what it says of its followers.
func TestLease(t *testing.T) {
	peers := func(active ...time.Duration) *jetstream.ClusterInfo {
		c := &jetstream.ClusterInfo{Leader: "n1"}
		for _, a := range active {
			c.Replicas = append(c.Replicas, &jetstream.PeerInfo{Active: a})
		}
		return c
	}
	const second = time.Second
	for what, c := range map[string]struct {
		replicas int
		cluster  *jetstream.ClusterInfo
		want     time.Duration
	}{
		"one server":                      {1, nil, forGood},
		"all were heard":                  {3, peers(second, second/10), leaseTime - second/10},
		"one is silent":                   {3, peers(time.Minute, second), leaseTime - second},
		"both are silent":                 {3, peers(time.Minute, time.Minute), leaseTime - time.Minute},
		"one was never heard":             {3, peers(0, second), leaseTime - second},
		"none was ever heard":             {3, peers(0, 0), 0},
		"of five, two must be heard":      {5, peers(second, 2*second, time.Minute, time.Minute), leaseTime - 2*second},
		"no leader":                       {3, &jetstream.ClusterInfo{}, 0},
		"nothing is known of the cluster": {3, nil, 0},
	} {
		info := &jetstream.StreamInfo{Config: jetstream.StreamConfig{Replicas: c.replicas}, Cluster: c.cluster}
		if got := leaseOf(info); got != c.want {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// TestShorter ends the life of a log that has lost what was known of it, but not because a leader lags for a moment.
func TestShorter(t *testing.T) {
	l := place{stream: "S"}.life("epoch")
	w := &watch{life: l}
	l.raise(10)
	lease := time.Now().Add(time.Hour)
	for range 2 {
		if !w.answered(l, lease, 9) {
			t.Error("a leader that lags for a moment counts as one that lost entries")
		}
	}
	w.short = time.Now().Add(-shortTime - time.Second)
	if w.answered(l, lease, 9) {
		t.Error("a leader that has not what was known counts as one that lags")
	}
	w.short = time.Now().Add(-shortTime - time.Second)
	if !w.answered(l, lease, 10) || !w.short.IsZero() {
		t.Error("a leader that has caught up is not trusted")
	}
}
