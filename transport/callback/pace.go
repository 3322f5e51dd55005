package callback

import (
	"sync/atomic"
	"time"
)

// pace lets through so many a second, and a burst after a rest. It may be used from many goroutines and never makes one
// wait for another: all of it is the moment at which what was let through is paid for.
type pace struct {
	every time.Duration // between two, in the long run
	burst time.Duration // how far ahead of its time what was let through may be
	start time.Time
	paid  atomic.Int64 // nanoseconds after start
}

// newPace returns a pace of perSecond, with bursts of as many as burst. The clock begins at start.
func newPace(start time.Time, perSecond, burst int) *pace {
	every := time.Second / time.Duration(perSecond)
	return &pace{every: every, burst: every * time.Duration(burst-1), start: start}
}

// take reports whether one more may pass at now, and counts it.
func (p *pace) take(now time.Time) bool {
	at := int64(now.Sub(p.start))
	for {
		paid := p.paid.Load()
		if paid-at > int64(p.burst) {
			return false
		}
		if p.paid.CompareAndSwap(paid, max(paid, at)+int64(p.every)) {
			return true
		}
	}
}

// spent reports whether take would refuse, and counts nothing.
func (p *pace) spent(now time.Time) bool {
	return p.paid.Load()-int64(now.Sub(p.start)) > int64(p.burst)
}
