package callback_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

func TestPace(t *testing.T) {
	start := time.Now()
	p := callback.NewPace(start, 10, 20)
	count := func(at time.Time) (n int) {
		for p.Take(at) {
			n++
		}
		if !p.Spent(at) {
			t.Error("refused, and not spent")
		}
		return n
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 20}, {0, 0}, {99 * time.Millisecond, 0}, {100 * time.Millisecond, 1}, {600 * time.Millisecond, 5}, {time.Hour, 20}} {
		if n := count(start.Add(c.after)); n != c.want {
			t.Errorf("after %s: %d, want %d", c.after, n, c.want)
		}
	}
}

func TestPaceOfManyAtOnce(t *testing.T) {
	start := time.Now()
	p := callback.NewPace(start, 10, 500)
	var n atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if p.Take(start) {
					n.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n.Load() != 500 {
		t.Errorf("%d passed, want 500", n.Load())
	}
}

func TestStanding(t *testing.T) {
	start := time.Now()
	s := callback.NewStanding(start, 0)
	const a, b = 0xabcdef0123456789, 0x1234567890abcdef
	at := func(d time.Duration) time.Time { return start.Add(d) }
	if s.Proven(a, start) || s.Wasteful(a, start) {
		t.Error("something is known from the start")
	}
	s.Waste(a, at(time.Second))
	if !s.Wasteful(a, at(time.Minute)) || s.Wasteful(a, at(61*time.Second)) || s.Wasteful(b, at(time.Second)) {
		t.Error("waste is held for a minute against whoever made it")
	}
	s.Prove(a, at(time.Hour))
	s.Waste(a, at(time.Hour))
	if !s.Proven(a, at(24*time.Hour)) || s.Proven(a, at(25*time.Hour)) || s.Proven(b, at(time.Hour)) {
		t.Error("a proof holds for a day, waste or not")
	}
	s.Prove(a, at(20*time.Hour))
	if !s.Proven(a, at(43*time.Hour)) {
		t.Error("a later proof does not count")
	}
}

// Where anybody can post what is true, a proof is worth so much waste in a row and no more.
func TestProofIsUsedUp(t *testing.T) {
	start := time.Now()
	s := callback.NewStanding(start, 20)
	const o = 0xabcdef0123456789
	for range 2 {
		s.Prove(o, start)
		for i := range 20 {
			if !s.Proven(o, start) {
				t.Fatalf("used up after %d", i)
			}
			s.Waste(o, start)
		}
		if s.Proven(o, start) || !s.Wasteful(o, start) {
			t.Error("still proven after 20 for nothing")
		}
	}
}

// However many strangers there are, who is proven is remembered.
func TestStrangersCrowdNobodyOut(t *testing.T) {
	start := time.Now()
	s := callback.NewStanding(start, 0)
	random := rand.New(rand.NewPCG(1, 2))
	friends := make([]uint64, 100)
	for i := range friends {
		friends[i] = random.Uint64()
		s.Prove(friends[i], start)
	}
	for range 1_000_000 {
		s.Waste(random.Uint64(), start.Add(time.Second))
	}
	for _, o := range friends {
		if !s.Proven(o, start.Add(time.Hour)) {
			t.Fatal("a proof was forgotten")
		}
	}
	// The proofs that are too many drive out the oldest.
	for range 100_000 {
		s.Prove(random.Uint64(), start.Add(time.Hour))
	}
	s.Prove(friends[0], start.Add(2*time.Hour))
	for i, o := range friends {
		if s.Proven(o, start.Add(2*time.Hour)) != (i == 0) {
			t.Errorf("friend %d: proven is %v", i, i != 0)
		}
	}
}
