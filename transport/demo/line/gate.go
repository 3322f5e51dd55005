package line

import (
	"sync"
	"time"
)

// mode is how a gate passes what it is given.
type mode int

const (
	open   mode = iota // at once
	slow               // Lag later
	frozen             // not
)

// gate is what all that is sent over a payment's lines goes through.
type gate struct {
	done <-chan struct{} // nothing is held back after it

	mu      sync.Mutex
	mode    mode
	until   time.Time     // of a mode that is not open
	changed chan struct{} // closed when the mode changes
}

func newGate(done <-chan struct{}) *gate {
	return &gate{done: done, changed: make(chan struct{})}
}

// set changes the mode, for as long as Limit.
func (g *gate) set(m mode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode, g.until = m, time.Now().Add(Limit)
	close(g.changed)
	g.changed = make(chan struct{})
}

// look returns the mode, for how long it lasts, and what is closed when it changes before.
func (g *gate) look() (m mode, left time.Duration, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if left = time.Until(g.until); left <= 0 {
		g.mode = open
	}
	return g.mode, left, g.changed
}

// idle reports whether nothing is held back.
func (g *gate) idle() bool {
	m, _, _ := g.look()
	return m == open
}

// pass returns when what was given may be passed on, or when over is closed.
func (g *gate) pass(over <-chan struct{}) {
	given := time.Now()
	for {
		m, left, changed := g.look()
		if m == slow {
			left = min(left, Lag-time.Since(given))
		}
		if m == open || left <= 0 {
			return
		}
		wait := time.NewTimer(left)
		select {
		case <-wait.C:
		case <-changed:
		case <-g.done:
			wait.Stop()
			return
		case <-over:
			wait.Stop()
			return
		}
		wait.Stop()
	}
}
