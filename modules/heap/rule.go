package heap

import "time"

const (
	mib = 1 << 20

	// minPercent and maxPercent bound GOGC.
	minPercent = 50
	maxPercent = 400
	// perRate is the GOGC for each MiB/s of allocation.
	perRate = 2
	// headroom is how much may be allocated between two collections, in bytes, where minPercent is not more.
	headroom = 400 * mib
	// low is the rate that counts as quiet, in bytes per second.
	low = mib
)

// sample is the state of the heap, in bytes.
type sample struct {
	live      uint64 // what the last collection found in use
	objects   uint64 // what is in use, and garbage that was not collected
	free      uint64 // what is free and not given back
	allocated uint64 // by all of the process's life
}

// spare is what giving back would return at most: what is free, and all that came since the last collection.
func (s sample) spare() uint64 { return s.free + s.objects - min(s.live, s.objects) }

// worth is how much must be spare for a collection of so much that lives.
func worth(live uint64) uint64 { return mib + live/8 }

// percent returns the GOGC for what lives, in bytes, and the rate of allocation, in bytes per second.
func percent(live uint64, rate float64) int {
	most := min(max(headroom*100/max(live, 1), minPercent), maxPercent)
	return int(min(max(rate/mib*perRate, minPercent), float64(most)))
}

// changes reports whether going from one GOGC to another is worth stopping the world.
func changes(from, to int) bool { return max(from-to, to-from)*8 >= from }

// meter measures the rate of allocation.
type meter struct {
	at        time.Time
	allocated uint64
}

func newMeter(s sample) meter { return meter{time.Now(), s.allocated} }

// rate returns the rate between the sample before and this one, in bytes per second.
func (m *meter) rate(s sample) float64 {
	before := *m
	*m = newMeter(s)
	return float64(s.allocated-before.allocated) / max(m.at.Sub(before.at), time.Millisecond).Seconds()
}
