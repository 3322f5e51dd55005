package nats

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

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

// TestBelieve holds whose answers count, and that a log that has lost what was known of it is told from a leader that lags
// for a moment.
func TestBelieve(t *testing.T) {
	l := place{stream: "S"}.life("epoch")
	w := &watch{life: l}
	now := time.Now()
	believe := func(what string, s says, least uint64, want error) {
		t.Helper()
		if err := w.believe(l, s, least); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	old := says{leader: "n1", since: now.Add(-time.Hour), lease: now.Add(time.Hour), last: 10}
	next := says{leader: "n2", since: now.Add(-time.Minute), lease: now.Add(time.Hour), last: 12}
	believe("the first", old, 10, nil)
	believe("one that has not heard the others", says{leader: "n1", since: old.since, lease: now, last: 10}, 10, errAgain)
	believe("one that was elected since", next, 12, nil)
	believe("one that was deposed", old, 10, errAgain)
	believe("one that was elected since, again", next, 12, nil)
	w.lease = now
	believe("an older one by a clock that is behind, when the other's time is over", old, 10, nil)

	for range 2 {
		believe("one that lags", old, 11, errAgain)
	}
	w.short = now.Add(-shortTime - time.Second)
	believe("one that lags for long", old, 11, errShorter)
	w.short = now.Add(-shortTime - time.Second)
	believe("one that has caught up", old, 10, nil)
	if !w.short.IsZero() || w.applied() != 12 {
		t.Errorf("short since %v, applied %d", w.short, w.applied())
	}
	if err := w.believe(place{stream: "S"}.life("another"), old, 0); !errors.Is(err, errAgain) {
		t.Errorf("of another life: %v", err)
	}
}

// TestWhole holds that what has expired does not stand for what is missing.
func TestWhole(t *testing.T) {
	log := []stored{at(3, 0, "p", "a"), at(5, 3, "p", "b"), at(9, 5, "p", "c")}
	for _, c := range []struct {
		first, n uint64
		want     bool
	}{{1, 3, true}, {1, 2, true}, {1, 4, false}, {4, 2, true}, {4, 3, false}, {10, 1, false}, {10, 0, true}} {
		if got := whole(log, c.first, c.n); got != c.want {
			t.Errorf("%d entries from %d on: %v", c.n, c.first, got)
		}
	}
}
