//go:build linux

package main

import "time"

// A size says how much of everything a run has.
type size struct {
	name   string
	rounds int           // of each measurement but memory, which does not vary
	settle time.Duration // before memory is read
	window time.Duration // of a measurement under load
	warmup time.Duration

	waiters int // in one process, where latency or throughput is measured
	most    int // in one process
	spread  int // over several processes; 0 for none
	many    int // of measurement 2; 0 is most

	starts  int // of each server, when cold starts are measured
	fanouts int
}

var (
	full = size{
		name: "full", rounds: 3, settle: 15 * time.Second, window: 4 * time.Second, warmup: time.Second,
		waiters: 10_000, most: 19_000, spread: 200_000, starts: 7, fanouts: 10,
	}
	small = size{
		name: "quick", rounds: 1, settle: 8 * time.Second, window: 2 * time.Second, warmup: 500 * time.Millisecond,
		waiters: 4_000, most: 8_000, starts: 3, fanouts: 5,
	}
)

// perProcess is how many of the spread waiters one process has: 200 000 make eleven processes.
const perProcess = 18_500

// The rates of open loops, a second. The second is that of measurements about something else, where callbacks should
// flow and not be the load.
const (
	rate     = 2000
	besides  = 500
	senders  = 32 // of a closed loop
	openings = 64 // connections of an open loop
	ramp     = 5000
)

// steady is how many waiters are left alone while others are cut or told at once.
const steady = 300
