// Package enginetest is the contract of relay.Engine as tests and benchmarks. An engine's own test file hands Run a
// Harness; what the suite does not hold, no engine promises and nobody may rely on.
package enginetest

import (
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Harness is how the suite comes by engines. The suite closes each that it is given, except those it gives to Reopen.
type Harness struct {
	// Open returns an engine over an empty log of its own, which keeps its entries for the retention.
	Open func(t testing.TB, retention time.Duration) relay.Engine

	// Reopen ends e as the end of its process would, or harsher, also amid calls, and returns an engine over the same
	// log in its place. An engine that loses its log with the process says Volatile instead.
	Reopen   func(t testing.TB, e relay.Engine) relay.Engine
	Volatile bool

	// Peer returns another node's engine over e's log. An engine whose log belongs to one process says Local instead.
	Peer  func(t testing.TB, e relay.Engine) relay.Engine
	Local bool

	// Synctest says that the engine lives in its process alone and may be tested in a bubble of testing/synctest,
	// where its retention costs no time.
	Synctest bool
}

// Run tests what every engine has to hold. It fails if h is silent on restarts or on other nodes.
func Run(t *testing.T, h Harness) {
	if (h.Reopen == nil) != h.Volatile {
		t.Fatal("enginetest: exactly one of Reopen and Volatile must be given")
	}
	if (h.Peer == nil) != h.Local {
		t.Fatal("enginetest: exactly one of Peer and Local must be given")
	}
	run := func(name string, test func(t *testing.T, h Harness)) {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
	run("empty log", emptyLog)
	run("epoch", epoch)
	run("append and read", appendAndRead)
	run("positions are dense", positionsDense)
	run("every member survives", everyMember)
	run("payment ids", paymentIDs)
	run("an id is stored once", idOnce)
	run("an id is stored once, concurrently", idOnceConcurrently)
	run("one id of two payments", idOfTwoPayments)
	run("time of the append", timeOfAppend)
	run("time of the provider", timeOfProvider)
	run("append after the end of its context", appendCancelled)
	run("read up to the head", readUpToHead)
	run("reads never go back", readsMonotonic)
	run("results are the reader's", resultsStay)

	run("scan", scan)
	run("scan from nowhere", scanFromNowhere)
	run("scan over many", scanMany)

	run("tail from the beginning", tailFromBeginning)
	run("tail from the head", tailFromHead)
	run("tail from the middle", tailFromMiddle)
	run("tail and read agree", tailThenRead)
	run("tail overlooks nothing", tailInTurn)
	run("several tails under appends", tailsUnderAppends)
	run("a slow tail delays nobody", tailSlow)
	run("tail ends with its context", tailEnds)

	run("retention", retention)
	run("close amid calls", closeUnderCalls)
	if h.Reopen != nil {
		run("reopen keeps the log", reopenKeeps)
		run("reopen keeps ids", reopenKeepsIDs)
		run("reopen goes on", reopenGoesOn)
		run("reopen amid appends", reopenUnderAppends)
	}
	if h.Peer != nil {
		run("peers read each other's entries", peersRead)
		run("peers store an id once", peersOnce)
		run("peers tail one log", peersTail)
		run("peers read what their tails delivered", peersTailThenRead)
		run("peers' times increase", peersTime)
	}
}

// plenty is a retention that no test outlives.
const plenty = time.Hour

// patience bounds every wait of the suite.
const patience = 30 * time.Second

func (h Harness) open(t testing.TB) relay.Engine { return h.openFor(t, plenty) }

func (h Harness) openFor(t testing.TB, retention time.Duration) relay.Engine {
	return closed(t, h.Open(t, retention))
}

func (h Harness) peer(t testing.TB, e relay.Engine) relay.Engine { return closed(t, h.Peer(t, e)) }

// closed closes e when the test is over.
func closed(t testing.TB, e relay.Engine) relay.Engine {
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}
