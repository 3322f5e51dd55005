//go:build linux

package proc

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// syncs is how many are made: enough for a p99.
const syncs = 500

// Sync returns the median and the p99 of the time that one fdatasync of some hundred bytes takes at the end of a file
// in dir.
func Sync(dir string) (p50, p99 time.Duration, err error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0, 0, fmt.Errorf("proc: sync: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	entry := make([]byte, 300)
	times := make([]time.Duration, syncs)
	for i := range times {
		if _, err := f.Write(entry); err != nil {
			return 0, 0, fmt.Errorf("proc: sync: %w", err)
		}
		began := time.Now()
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, 0, fmt.Errorf("proc: sync: %w", err)
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[syncs/2], times[syncs*99/100], nil
}
