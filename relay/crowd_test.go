package relay

import (
	"sync"
	"testing"
)

// held is a waiter whose telling waits for a turn.
type held struct {
	turn chan struct{}
	told *sync.WaitGroup
}

func (held) State(*State) {}
func (held) End(error)    {}
func (h held) Deliver(*Told) {
	<-h.turn
	h.told.Done()
}

// TestCrowdForgetsWhomItTold tells a crowd again before it was told everything, time after time. Nobody stays in the list
// who was told.
func TestCrowdForgetsWhomItTold(t *testing.T) {
	const many, rounds = crowdSize + 1, 100
	var (
		c    crowd
		told sync.WaitGroup
		turn = make(chan struct{})
		s    = NewState("p")
		subs = make([]*Subscription, many)
	)
	for i := range subs {
		subs[i] = &Subscription{relay: new(Relay), waiter: held{turn, &told}}
	}
	told.Add(many * rounds)
	for round := range rounds {
		at := Position{Seq: uint64(round + 1)}
		c.tell(append([]*Subscription(nil), subs...), &notice{at: at, told: []Told{{Position: at, State: &s}}})
		for range many - 1 { // so that one is always left
			turn <- struct{}{}
		}
		c.mu.Lock()
		if n := len(c.left); n > 2*many {
			t.Fatalf("round %d: %d in the list of %d waiters", round, n, many)
		}
		c.mu.Unlock()
	}
	close(turn)
	told.Wait()
	c.close()
}
