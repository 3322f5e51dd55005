//go:build linux

package generator

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// Connected is written by Main as soon as all waiters wait, ahead of the Result.
type Connected struct{ Connected int }

// Main reads a Job from in, does it, and writes a Connected and a Result to out, in JSON. It is the whole of a process:
// it locks the thread, and ends the process if the job hangs.
func Main(in io.Reader, out io.Writer) error {
	var job Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("generator: job: %w", err)
	}
	if err := job.Validate(); err != nil {
		return err
	}
	debug.SetGCPercent(400)
	quiet()
	watchdog := time.AfterFunc(job.Limit+10*time.Second, func() {
		fmt.Fprintln(os.Stderr, "generator: hangs")
		os.Exit(3)
	})
	defer watchdog.Stop()
	to := json.NewEncoder(out)
	var failed error
	r, err := do(&job, func(n int) { failed = to.Encode(Connected{n}) })
	if err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("generator: tell: %w", failed)
	}
	if err := to.Encode(r); err != nil {
		return fmt.Errorf("generator: tell: %w", err)
	}
	return nil
}

// do does a job. It calls connected once, when all waiters wait.
func do(job *Job, connected func(int)) (*Result, error) {
	n := job.Waiters + job.Steady
	room, err := capacity()
	if err != nil {
		return nil, err
	}
	var before proc.Memory
	if len(job.Pids) > 0 {
		if before, err = proc.ReadMemory(proc.Tree(job.Pids...)...); err != nil {
			return nil, err
		}
	}
	switch tables := (n + job.Senders + room - 1) / room; {
	case job.Certificate != nil:
		return idleTLS(job, before, connected)
	case tables > 1 && job.Mode == Idle:
		return idleShards(job, tables, before, connected)
	case tables > 1:
		return nil, fmt.Errorf("generator: %d connections do not fit the limit of files, which leaves %d", n+job.Senders, room)
	}
	e, err := newEngine(job, newRun(), 0, n)
	if err != nil {
		return nil, err
	}
	defer e.close()
	r := &Result{}
	if err := e.connect(r); err != nil {
		return nil, err
	}
	connected(r.Connections.Established)
	if err := e.mode(r, before); err != nil {
		return nil, err
	}
	r.Connections.Dropped = e.crowd.dropped
	return r, nil
}

func (e *engine) mode(r *Result, before proc.Memory) error {
	switch e.job.Mode {
	case Idle:
		return e.settle(r, before)
	case Throughput:
		return e.throughput(r)
	case Latency:
		return e.latency(r)
	case Fanout:
		return e.fanout(r)
	case Comeback:
		return e.comeback(r)
	case Heartbeats:
		return e.heartbeats(r)
	case Outcomes:
		return e.outcomes(r, before)
	}
	return fmt.Errorf("generator: job: no mode %q", e.job.Mode)
}
