package relay

import (
	"sync"

	"github.com/tillbell/tillbell/relay/yield"
)

// crowdSize is from how many waiters of one payment on they are told by a goroutine of the crowd's own.
const crowdSize = 64

// turn is how many waiters are told in a row before other goroutines may run: with some 10 us each, nobody else is kept
// waiting for more than a fraction of a millisecond.
const turn = 16

// crowd tells the waiters of payments that very many wait for, so that those of other payments need not wait until all
// of them were told. Each is told everything in order all the same, for what it is to be told is in its own queue.
type crowd struct {
	mu      sync.Mutex
	left    []*Subscription // a notice: they are busy, but nobody is at work for them
	working bool            // the goroutine runs
	running sync.WaitGroup
	point   yield.Point // that goroutine's
}

// close waits until all were told, which is soon: no waiter blocks. Nobody must be told anything any more.
func (c *crowd) close() {
	c.running.Wait()
	c.point.Close()
}

// tell lets n be told to all of subs.
func (c *crowd) tell(subs []*Subscription, n *notice) {
	left := subs[:0]
	for _, sub := range subs {
		if sub.leave(n) {
			left = append(left, sub)
		}
	}
	if len(left) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, left...)
	if !c.working {
		c.working = true
		c.running.Go(c.work)
	}
}

func (c *crowd) work() {
	for {
		c.mu.Lock()
		subs := c.left
		c.left = nil
		c.working = len(subs) != 0
		c.mu.Unlock()
		if len(subs) == 0 {
			return
		}
		for i, sub := range subs {
			sub.work()
			if i%turn == turn-1 {
				c.point.Yield()
			}
		}
	}
}
