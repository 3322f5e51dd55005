//go:build linux

package proc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Clock tells how busy the machine was since it was made.
type Clock struct {
	at        time.Time
	busy, own time.Duration
}

// NewClock returns a clock.
func NewClock() (Clock, error) {
	busy, err := busy()
	if err != nil {
		return Clock{}, err
	}
	own, err := own()
	return Clock{time.Now(), busy, own}, err
}

// Others returns the share of the machine's cores that was used by others than this process and those of its children
// that have ended, or taken by the host. It is 0 if the share is too small to tell.
func (c Clock) Others() (float64, error) {
	now, err := NewClock()
	if err != nil {
		return 0, err
	}
	others := (now.busy - c.busy) - (now.own - c.own)
	return max(0, others.Seconds()/now.at.Sub(c.at).Seconds()/float64(runtime.NumCPU())), nil // not Cores: this thread may be pinned
}

// busy returns the time that all cores have run processes or were taken by the host. Interrupts are left out: most of
// them are the packets of the test.
func busy() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("proc: read cpu: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 {
		return 0, fmt.Errorf("proc: read cpu: /proc/stat has %d fields", len(fields))
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 8} { // user, nice, system, steal
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("proc: read cpu: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil // USER_HZ is 100 everywhere
}

// own returns the time that this process and its children have run.
func own() (time.Duration, error) {
	var sum int64
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if err := unix.Getrusage(who, &r); err != nil {
			return 0, fmt.Errorf("proc: read cpu: %w", err)
		}
		sum += r.Utime.Nano() + r.Stime.Nano()
	}
	return time.Duration(sum), nil
}
