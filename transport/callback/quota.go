package callback

import (
	"sync"
	"time"
)

// linesPerSecond is how many lines strangers can cause in the log with each source. Anybody can post what is refused,
// and must not fill a disk with it; the metric counts all of it.
const linesPerSecond = 10

// quota holds strangers to it. The zero value is ready.
type quota struct {
	mu      sync.Mutex
	second  int64 // of the Unix clock
	lines   int   // written in that second
	omitted int   // not written since the last line
}

// take reports whether one more line may be written, and how many were left out since the last one.
func (q *quota) take(now time.Time) (omitted int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := now.Unix(); s != q.second {
		q.second, q.lines = s, 0
	}
	if q.lines == linesPerSecond {
		q.omitted++
		return 0, false
	}
	q.lines++
	omitted, q.omitted = q.omitted, 0
	return omitted, true
}
