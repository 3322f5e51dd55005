//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
	"golang.org/x/sys/unix"
)

// cpu returns what the process has run on any core.
func cpu() (time.Duration, error) { return proc.CPU(os.Getpid()) }

// resident returns what the process holds, by /proc/self/status and smaps_rollup.
func resident() (proc.Memory, error) { return proc.ReadMemory(os.Getpid()) }

// peak returns the most that the process has held, in bytes.
func peak() (int64, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read usage: %w", err)
	}
	return u.Maxrss << 10, nil
}

// liveHeap collects all garbage and returns what is left, in bytes.
func liveHeap() int64 {
	runtime.GC() // moves what pools hold
	runtime.GC() // to where it is garbage
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// freeHeap is liveHeap, and gives back to the system all that is free.
func freeHeap() int64 {
	size := liveHeap()
	debug.FreeOSMemory()
	return size
}

// settled returns what the process holds when all that is free was given back.
func settled() (held, error) {
	m := held{Heap: freeHeap()}
	is, err := resident()
	m.RSS, m.PSS = is.RSS, is.PSS
	return m, err
}

// profiler writes profiles to a folder, or nothing if that is empty.
type profiler string

// cpu profiles what f does.
func (p profiler) cpu(name string, f func() error) error {
	if p == "" {
		return f()
	}
	file, err := os.Create(filepath.Join(string(p), name+".cpu.pprof"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	err = f()
	pprof.StopCPUProfile()
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// heap profiles what is in use since the last collection.
func (p profiler) heap(name string) error {
	if p == "" {
		return nil
	}
	file, err := os.Create(filepath.Join(string(p), name+".heap.pprof"))
	if err != nil {
		return err
	}
	err = pprof.Lookup("heap").WriteTo(file, 0)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}
