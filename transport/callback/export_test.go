package callback

import "time"

// Remembered returns how many ids a source's inquiries remember.
func (rt *Route) Remembered(source string) int {
	q := (*rt.sources.Load())[source].inquiries
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.byID)
}

// Parked returns how many callbacks of a source wait for the fetch of another.
func (rt *Route) Parked(source string) int {
	q := (*rt.sources.Load())[source].inquiries
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.parked
}

// Standing is what a source knows of origins.
type Standing struct{ s *standing }

func NewStanding(start time.Time, grace int) Standing { return Standing{newStanding(start, grace)} }

func (s Standing) Prove(o uint64, now time.Time)        { s.s.prove(origin(o), now) }
func (s Standing) Waste(o uint64, now time.Time)        { s.s.waste(origin(o), now) }
func (s Standing) Proven(o uint64, now time.Time) bool  { return s.s.grade(origin(o), now) == proven }
func (s Standing) Wasteful(o uint64, at time.Time) bool { return s.s.grade(origin(o), at) == wasteful }

// Pace is how many pass.
type Pace struct{ p *pace }

func NewPace(start time.Time, perSecond, burst int) Pace {
	return Pace{newPace(start, perSecond, burst)}
}

func (p Pace) Take(now time.Time) bool  { return p.p.take(now) }
func (p Pace) Spent(now time.Time) bool { return p.p.spent(now) }
