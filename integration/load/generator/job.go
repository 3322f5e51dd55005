//go:build linux

package generator

import (
	"fmt"
	"net/netip"
	"time"
)

// A Mode is what a job does once its waiters wait.
type Mode string

// The modes.
const (
	Idle       Mode = "idle"       // nothing, for Settle; then memory is read
	Throughput Mode = "throughput" // callbacks in a closed loop: each sender sends when the last one was answered
	Latency    Mode = "latency"    // callbacks in an open loop
	Fanout     Mode = "fanout"     // callbacks that all of Waiters wait for, beside others in an open loop
	Comeback   Mode = "comeback"   // all of Waiters are cut and come back, beside callbacks in an open loop
	Heartbeats Mode = "heartbeats" // Latency, and heartbeats are counted
	Outcomes   Mode = "outcomes"   // Idle, then Latency, then each waiter is told its own outcome
)

// A Job is what a generator does with one server that is running already.
type Job struct {
	Mode      Mode
	Addresses []string // of the server, on 127.0.0.0/8; waiters are spread over them, callbacks go to the first
	Pids      []int    // the server's processes; their descendants are counted in

	Waiters int // each has a topic of its own, but in Fanout, where all share one
	Steady  int // further ones with a topic of their own, whom neither Fanout nor Comeback touches
	Topics  int // that Throughput posts to if nobody waits
	Ask     []Ask
	Post    Post

	Certificate []byte // PEM, trusted for waiters over TLS; Idle alone
	TicketKey   []byte // HS256 key of {ticket}
	SigningKey  []byte // Standard Webhooks key; callbacks are not signed without

	Ramp    float64       // waiters connected a second at most; 0 is as fast as it goes
	Senders int           // connections that callbacks are posted on
	Rate    float64       // callbacks a second of an open loop
	Fanouts int           // one after the other
	Settle  time.Duration // before memory is read
	Warmup  time.Duration // before the window
	Window  time.Duration // that is measured
	Drain   time.Duration // that late deliveries have; 0 is 3 s
	Busy    bool          // polls without sleeping: exact, for a core of the generator's own
	Limit   time.Duration // for all of it
}

// An Ask is how a waiter asks to wait. Path and Header are templates of package message.
type Ask struct {
	WebSocket bool
	Path      string
	Header    []string
	Ready     string // text that shows that the wait has begun; without, the head of the answer does
	Beat      string // text of a heartbeat
	End       string // text that ends a wait, after which the server may close
}

// A Post is how a callback is posted. All of it are templates of package message.
type Post struct {
	Path   string
	Header []string
	Body   string
}

const (
	maxWaiters = 2_000_000
	maxRate    = 1_000_000
	maxLimit   = time.Hour
)

// Validate returns what is out of range.
func (j *Job) Validate() error {
	for _, n := range []struct {
		name      string
		value     float64
		low, high float64
	}{
		{"Waiters", float64(j.Waiters), 0, maxWaiters},
		{"Steady", float64(j.Steady), 0, maxWaiters},
		{"Topics", float64(j.Topics), 0, maxWaiters},
		{"Waiters, Steady and Topics", float64(j.Waiters + j.Steady + j.Topics), 1, maxWaiters},
		{"Ramp", j.Ramp, 0, maxRate},
		{"Senders", float64(j.Senders), 0, 1000},
		{"Rate", j.Rate, 0, maxRate},
		{"Fanouts", float64(j.Fanouts), 0, 10_000},
		{"Limit", j.Limit.Seconds(), 1, maxLimit.Seconds()},
		{"Settle", j.Settle.Seconds(), 0, j.Limit.Seconds()},
		{"Warmup", j.Warmup.Seconds(), 0, j.Limit.Seconds()},
		{"Window", j.Window.Seconds(), 0, j.Limit.Seconds()},
		{"Drain", j.Drain.Seconds(), 0, j.Limit.Seconds()},
		{"addresses", float64(len(j.Addresses)), 1, 1000},
		{"Ask", float64(len(j.Ask)), 0, 2},
	} {
		if !(n.value >= n.low && n.value <= n.high) {
			return fmt.Errorf("generator: job: %s is %v: it must be between %v and %v", n.name, n.value, n.low, n.high)
		}
	}
	if n := j.Waiters + j.Steady; (n > 0) == (len(j.Ask) == 0) || n == 0 && j.Mode != Throughput {
		return fmt.Errorf("generator: job: %s with %d waiters and %d ways to wait", j.Mode, n, len(j.Ask))
	}
	if j.Mode != Idle && j.Senders == 0 {
		return fmt.Errorf("generator: job: %s needs senders", j.Mode)
	}
	if rated := j.Mode != Idle && j.Mode != Throughput; rated && j.Rate == 0 {
		return fmt.Errorf("generator: job: %s needs a rate", j.Mode)
	}
	if (j.Mode == Fanout || j.Mode == Comeback) && (j.Steady == 0 || j.Waiters == 0) {
		return fmt.Errorf("generator: job: %s needs waiters of both kinds", j.Mode)
	}
	if j.Certificate != nil && j.Mode != Idle {
		return fmt.Errorf("generator: job: %s cannot use TLS", j.Mode)
	}
	_, err := addresses(j.Addresses)
	return err
}

// addresses parses addresses and refuses all but loopback ones.
func addresses(texts []string) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for _, text := range texts {
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, fmt.Errorf("generator: job: %w", err)
		}
		if !a.Addr().Is4() || !a.Addr().IsLoopback() {
			return nil, fmt.Errorf("generator: job: %s is not in 127.0.0.0/8", text)
		}
		all = append(all, a)
	}
	return all, nil
}
