//go:build linux

package generator

import (
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// connect lets all waiters wait and connects the senders.
func (e *engine) connect(r *Result) error {
	cpu, err := e.cpu()
	if err != nil {
		return err
	}
	ramp := newRamp(e.crowd, 0, e.job.Ramp)
	if err := e.loop(ramp.done, ramp.step); err != nil {
		return err
	}
	after, err := e.cpu()
	if err != nil {
		return err
	}
	r.Connections = Connections{
		Requested: len(e.crowd.waiters), Established: e.crowd.established, Time: e.clock.now() - ramp.began,
		CPU: after - cpu, Reasons: e.crowd.reasons,
	}
	if len(e.crowd.waiters) > 0 && e.crowd.established == 0 {
		return fmt.Errorf("generator: nobody could wait: %v", e.crowd.reasons)
	}
	if err := e.senders.connect(e.job.Senders); err != nil {
		return err
	}
	last := e.clock.now() + stall
	err = e.loop(func(now time.Duration) bool { return e.senders.ready == e.job.Senders || now > last })
	if err == nil && e.senders.ready < e.job.Senders {
		err = fmt.Errorf("generator: %d of %d senders connected: %v", e.senders.ready, e.job.Senders, e.crowd.reasons)
	}
	return err
}

// settle waits for Job.Settle and reads the server's memory.
func (e *engine) settle(r *Result, before proc.Memory) error {
	cpu, err := e.cpu()
	if err != nil {
		return err
	}
	if err := e.loop(until(e.clock.now() + e.job.Settle)); err != nil {
		return err
	}
	r.Memory, err = memory(e.pids, before, cpu)
	return err
}

func memory(pids []int, before proc.Memory, cpu time.Duration) (*Memory, error) {
	after, err := proc.ReadMemory(pids...)
	if err != nil {
		return nil, err
	}
	now, err := proc.CPU(pids...)
	return &Memory{Before: before, After: after, IdleCPU: now - cpu}, err
}

// close resets all connections.
func (e *engine) close() {
	for i := range e.crowd.waiters {
		e.crowd.cut(i)
	}
	e.senders.close()
	e.bulk.close()
	e.prompt.close()
}
