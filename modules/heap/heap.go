// Package heap keeps the process's memory to what it does: many small waits that stay, and much garbage that comes in
// bursts, with callbacks and with everybody who connects.
//
// # How often to collect
//
// A collection costs about 0.7 ms of CPU for each MiB that lives, and GOGC says how much may be allocated until the
// next, in percent of that. So at a rate of R MiB/s collections take 70 R / GOGC ms of each second, whatever lives.
// GOGC is set to 2 R, which makes that 3.5 % of a core: memory is spent while it saves work, and not otherwise.
//
//	up to   25 MiB/s   GOGC  50 %   under 3.5 %, the slower the less
//	        70 MiB/s        140 %   3.5 %             5 000 connects a second
//	from   200 MiB/s        400 %   3.5 % and more    30 000 callbacks a second
//
// More than 50 % is given up to 400 MiB alone, so that a million waits, 700 MiB, are collected at 1.1 GiB, while
// 100 MiB may become 500. GOGC is set after a collection, by the rate since the one before; it falls by half the way,
// since bursts have gaps, and stays if it would change by less than an eighth: setting it stops the world for
// some microseconds.
//
// # When to give memory back
//
// The runtime returns freed memory to the system slowly, and garbage that nobody collects not at all. So when the
// rate fell under 1 MiB/s for 4 s, what is left is collected and all that is free returned, once, if that is 1 MiB and an
// eighth of what lives, or more. A burst's memory is gone after 8 s at the latest.
//
// Nothing here runs by itself: a collection starts the watch, and a quiet window ends it. A process that is quiet is
// looked at after the collection that the runtime makes every two minutes, for some microseconds, and what lives is
// collected at most once in addition.
//
// # What the user sets
//
// With GOGC set nothing is done at all. GOMEMLIMIT is the runtime's, which collects earlier than what is said here
// where it has to.
package heap

import (
	"os"
	"runtime/debug"
	"time"
)

// window is how long the rate must be low.
const window = 4 * time.Second

// Keeper keeps the process's memory until it is stopped. There is one in a process.
type Keeper struct {
	machine
	cycles chan struct{} // has a note when a collection ended
	stop   chan struct{}
	done   chan struct{}
}

// machine is what a Keeper does to the runtime.
type machine struct {
	read       func() sample
	setPercent func(percent int) (before int)
	giveBack   func()
}

// Keep sets GOGC and gives memory back as the package says. The caller stops what it returns.
func Keep() *Keeper {
	if os.Getenv("GOGC") != "" {
		return &Keeper{}
	}
	k := keep(machine{read: read, setPercent: debug.SetGCPercent, giveBack: debug.FreeOSMemory})
	k.watch()
	return k
}

func keep(m machine) *Keeper {
	k := &Keeper{machine: m, cycles: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

// Stop sets GOGC to what it was, and returns when nothing is done any more. It is called once.
func (k *Keeper) Stop() {
	if k.stop == nil {
		return
	}
	close(k.stop)
	<-k.done
}

func (k *Keeper) run() {
	defer close(k.done)
	set := maxPercent // until something is known: starting is a burst
	before := k.setPercent(set)
	defer func() { k.setPercent(before) }()
	change := func(to int) {
		if changes(set, to) {
			set = to
			k.setPercent(to)
		}
	}
	quiet := time.NewTimer(window)
	quiet.Stop()
	defer quiet.Stop()
	var (
		watching  bool
		cycle     = newMeter(k.read())
		inWindow  meter
		remaining uint64 // what was spare and could not be given back
	)
	for {
		select {
		case <-k.stop:
			return
		case <-k.cycles:
			s := k.read()
			to := percent(s.live, cycle.rate(s))
			change(max(to, (set+to)/2))
			if !watching {
				watching, inWindow = true, newMeter(s)
				quiet.Reset(window)
			}
		case <-quiet.C:
			s := k.read()
			rate := inWindow.rate(s)
			if rate > low {
				quiet.Reset(window)
				continue
			}
			watching = false
			change(percent(s.live, rate))
			if s.spare() >= remaining+worth(s.live) {
				k.giveBack()
				remaining = k.read().spare()
			}
		}
	}
}
