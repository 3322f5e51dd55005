package callback

import (
	"time"
)

// A strain bounds what checks cost a source that come to nothing, where a check is a public-key operation: 30 to 60 µs
// for a call that costs its sender nothing. What fails is counted, and beyond so many a second only such origins are
// still checked as a stranger cannot have: those that a genuine callback came from, however much else comes from there, for
// that may be a proxy's address; and, within a second allowance, those that have failed at nothing. The rest is answered 503
// unseen, and comes again if it is a provider's. It may be used from many goroutines, and no call waits for another.
type strain struct {
	standing *standing
	paces    [wasteful + 1]*pace
}

// How many checks may fail, a second and source.
const (
	// provenChecks take a quarter of one processor. Who has a callback from before the log begins can prove an origin with it.
	provenChecks   = 5000
	cleanChecks    = 1000 // of origins that have not failed lately
	wastefulChecks = 500
)

// restTime is what a sender is told to wait that was not listened to.
const restTime = 5 * time.Second

func newStrain(now time.Time, s *standing) *strain {
	return &strain{standing: s, paces: [...]*pace{
		proven:   newPace(now, provenChecks, provenChecks),
		clean:    newPace(now, cleanChecks, cleanChecks),
		wasteful: newPace(now, wastefulChecks, wastefulChecks),
	}}
}

// bears reports whether a call may be checked at now. It asks for the call's origin only if it has to.
func (s *strain) bears(from func() origin, now time.Time) bool {
	if !s.paces[wasteful].spent(now) && !s.paces[clean].spent(now) && !s.paces[proven].spent(now) {
		return true
	}
	return !s.paces[s.standing.grade(from(), now)].spent(now)
}

// failed counts a check from o that came to nothing: it failed, or what it let pass was known or is of no interest.
func (s *strain) failed(o origin, now time.Time) {
	s.paces[s.standing.grade(o, now)].take(now)
}

// cheap are the reasons that adapters have before they get to the signature.
func cheap(r Reason) bool {
	switch r {
	case MethodNotAllowed, TooLarge, MissingHeader, DuplicateHeader, Probe, UnsupportedAlgorithm, UnknownKey:
		return true
	}
	return false
}
