//go:build linux

// Command million holds very many waiters in one process and tells each its own outcome. Their connections have no
// kernel: where a machine allows a process only so many descriptors, a stand-in in memory takes the descriptor's place.
// All else is what `tillbell serve` runs: net/http, the ticket check, the relay over the memory engine, the wheel, the
// parks, the encoding of event streams and WebSocket frames, the memory policy. Callbacks are signed and come over
// real sockets of the loopback interface.
//
//	go run ./integration/load/million -n 1000000
//
// Half of the waiters have an event stream, half a WebSocket, each its own payment and ticket. What is measured, in
// this order: the stand-ins alone; connecting; memory with all of them idle; heartbeats; the time from a callback
// until its frame is written, with few waiting, with all, and with few again; telling each its outcome; what is left.
//
// The process is server, clients and provider in one, so its CPU and memory are all three's. What the stand-ins take is
// measured by itself and stated beside; what the kernel would take for sockets is not in any figure.
//
// The last line is one JSON object with all figures. The exit code is 1 if any waiter was told anything wrong, twice or
// not at all, if anything is left, or if the time limit is over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	n, few    int
	rate      int           // callbacks per second
	rounds    int           // of each measurement of latency
	window    time.Duration // of one round
	settle    time.Duration // between the last waiter and the reading of memory
	heartbeat time.Duration
	limit     time.Duration
	profiles  string // folder
}

func main() {
	o := flags()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("not done within %s", o.limit))
	defer cancel()
	// What does not heed the context must not keep the process alive.
	time.AfterFunc(o.limit+time.Minute, func() {
		fmt.Fprintln(os.Stderr, "million: stuck beyond the time limit")
		os.Exit(1)
	})
	r := newRun(o, os.Stderr)
	if err := r.measure(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "million: %s: %v\n", r.step, err)
		os.Exit(1)
	}
	if err := errors.Join(r.write(os.Stdout), r.figures.checkLeft()); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

func flags() options {
	var o options
	flag.IntVar(&o.n, "n", 20_000, "how many wait")
	flag.IntVar(&o.few, "few", 10_000, "how many wait where few do, for comparison")
	flag.IntVar(&o.rate, "rate", 2000, "callbacks per second where latency is measured")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each measurement of latency; medians are shown")
	flag.DurationVar(&o.window, "window", 10*time.Second, "how long a round is")
	flag.DurationVar(&o.settle, "settle", 15*time.Second, "time between the last waiter and the reading of memory")
	flag.DurationVar(&o.heartbeat, "heartbeat", 20*time.Second, "how long a connection may be silent")
	flag.DurationVar(&o.limit, "limit", 10*time.Minute, "when to give up")
	flag.StringVar(&o.profiles, "profiles", "", "write profiles of CPU and heap to this `folder`")
	flag.Parse()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(2)
	}
	return o
}

// check reports what cannot be measured.
func (o *options) check() error {
	switch {
	case o.n < 2 || o.n > maxClients:
		return fmt.Errorf("-n is 2 to %d", maxClients)
	case o.few < 1:
		return errors.New("-few is at least 1")
	case o.rate < 1 || o.rounds < 1:
		return errors.New("-rate and -rounds are at least 1")
	case int64(o.rate)*int64(o.window)/int64(time.Second) < 1:
		return errors.New("-window is too short for one callback")
	}
	o.few = min(o.few, o.n)
	return nil
}
