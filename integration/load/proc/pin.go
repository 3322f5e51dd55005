//go:build linux

package proc

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Pin runs the calling thread, and the processes it starts, on one core. The caller has locked its goroutine to the
// thread. undo gives the thread its cores back and leaves the processes where they are.
func Pin(core int) (undo func(), err error) {
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("proc: pin: %w", err)
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return nil, fmt.Errorf("proc: pin to core %d: %w", core, err)
	}
	return func() { _ = unix.SchedSetaffinity(0, &before) }, nil
}

// Cores returns the numbers of the cores that this process may run on.
func Cores() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil
	}
	var cores []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores
}
