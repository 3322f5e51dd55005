//go:build linux

// Package proc reads what processes cost from Linux: memory from /proc (proc(5)), CPU from the clock of each process
// (clock_getcpuclockid(3)), which counts in nanoseconds and keeps the time of threads that ended.
package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Memory is what processes hold, in bytes.
type Memory struct {
	RSS       int64 // resident: every page counts in each process that has it
	PSS       int64 // proportional: a page that n processes share counts 1/n in each
	Anonymous int64 // of RSS, what no file backs: heap and stacks, not the program's code
}

// Tree returns the processes with all that descend from them.
func Tree(pids ...int) []int {
	var all []int
	for _, pid := range pids {
		all = append(all, pid)
		threads, err := os.ReadDir(file(pid, "task"))
		if err != nil {
			continue // it has ended
		}
		for _, thread := range threads {
			children, err := os.ReadFile(file(pid, "task/"+thread.Name()+"/children"))
			if err != nil {
				continue
			}
			for _, child := range strings.Fields(string(children)) {
				if n, err := strconv.Atoi(child); err == nil {
					all = append(all, Tree(n)...)
				}
			}
		}
	}
	return all
}

// ReadMemory returns what the processes hold together.
func ReadMemory(pids ...int) (Memory, error) {
	var m Memory
	for _, pid := range pids {
		status, err := fields(file(pid, "status"))
		if err != nil {
			return Memory{}, fmt.Errorf("proc: read memory: %w", err)
		}
		rollup, err := fields(file(pid, "smaps_rollup"))
		if err != nil {
			return Memory{}, fmt.Errorf("proc: read memory: %w", err)
		}
		m.RSS += status["VmRSS"]
		m.Anonymous += status["RssAnon"]
		m.PSS += rollup["Pss"]
	}
	return m, nil
}

// CPU returns the time that the processes have run on any core, in user and in kernel mode.
func CPU(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		const sched = 2 // CPUCLOCK_SCHED: the scheduler's clock, of the whole process
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^pid)<<3|sched, &t); err != nil {
			return 0, fmt.Errorf("proc: read cpu of %d: %w", pid, err)
		}
		sum += time.Duration(t.Nano())
	}
	return sum, nil
}

// Available returns the memory that could be had without swapping, in bytes.
func Available() (int64, error) { return machine("MemAvailable") }

// Total returns the memory of the machine, in bytes.
func Total() (int64, error) { return machine("MemTotal") }

func machine(name string) (int64, error) {
	f, err := fields("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("proc: read memory: %w", err)
	}
	return f[name], nil
}

func file(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// fields reads the lines "Name: 123 kB" of a file, in bytes.
func fields(name string) (map[string]int64, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all := make(map[string]int64)
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		number, found := strings.CutSuffix(strings.TrimSpace(value), " kB")
		if n, err := strconv.ParseInt(number, 10, 64); found && err == nil {
			all[name] = n << 10
		}
	}
	return all, nil
}
