//go:build linux

package generator

import (
	"math"
	"slices"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// A Result is what became of a Job. What its mode does not measure is nil.
type Result struct {
	Connections Connections
	Memory      *Memory    // Idle, Outcomes
	Callbacks   *Callbacks // of the window; in Fanout and Comeback only those for Steady ones, while it goes on
	Quiet       *Callbacks // Fanout: the same without fan-outs
	Fanout      *Fan
	Return      *Return
	Beats       *Beats
	Outcomes    *Told
}

// Connections says how many waiters came to wait, and what that cost.
type Connections struct {
	Requested   int
	Established int
	Dropped     int           // of those established, by the server, before they were told an end
	Time        time.Duration // until all were established
	CPU         time.Duration // of the server, during Time
	Reasons     map[string]int
}

// Memory is the server's before the first waiter, and after Settle with all of them.
type Memory struct {
	Before, After proc.Memory
	IdleCPU       time.Duration // of the server, during Settle
}

// Callbacks is what became of callbacks and of those who wait for them.
type Callbacks struct {
	Due        int // in the window
	Answered   int // with a 2xx
	Refused    int // with anything else
	Unanswered int
	Told       int // answered in the window and delivered to everybody who waits
	Expected   int // deliveries of those answered
	Lost       int // of Expected
	Window     time.Duration
	CPU        time.Duration // of the server, in the window
	OwnCPU     time.Duration // of the generator, in the window
	Answer     Distribution  // due until answered
	Delivery   Distribution  // due until the last waiter has it
}

// Fan is what became of fan-outs, each counted from when it was due.
type Fan struct {
	First, Last Distribution
	Told, Lost  int           // deliveries
	CPU         time.Duration // of the server, for each delivery
}

// Return is what became of waiters that were cut all at once.
type Return struct {
	Time    time.Duration // from the first cut until all wait again
	CPU     time.Duration // of the server meanwhile, for everything
	Back    int
	Retries int            // connections that had to be tried again
	Lost    int            // callbacks acknowledged meanwhile for those who were cut, of which they never heard
	Answer  Distribution   // to all callbacks meanwhile
	Reasons map[string]int // of Retries
}

// Beats counts heartbeats over the window.
type Beats struct {
	Count   int
	Buckets []int // of 100 ms each
}

// Told says how many waiters were told their own outcome.
type Told struct {
	Told  int
	Ended int           // were told that the wait is done
	Time  time.Duration // until the last one was told
	CPU   time.Duration // of the server meanwhile
}

// A Distribution is of durations. All are 0 if N is.
type Distribution struct {
	N             int
	Mean          time.Duration
	P50, P90, P99 time.Duration
	Max           time.Duration
}

// distribution sorts d and returns its nearest-rank percentiles.
func distribution(d []time.Duration) Distribution {
	if len(d) == 0 {
		return Distribution{}
	}
	slices.Sort(d)
	var sum time.Duration
	for _, v := range d {
		sum += v
	}
	rank := func(p float64) time.Duration { return d[max(0, int(math.Ceil(p*float64(len(d))))-1)] }
	return Distribution{
		N: len(d), Mean: sum / time.Duration(len(d)), P50: rank(.5), P90: rank(.9), P99: rank(.99), Max: d[len(d)-1],
	}
}
