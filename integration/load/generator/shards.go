//go:build linux

package generator

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
	"golang.org/x/sys/unix"
)

// idleShards is Idle for more waiters than fit one table of files: it spreads them over threads that each have a table
// of their own (unshare(2), CLONE_FILES).
func idleShards(job *Job, n int, before proc.Memory, connected func(int)) (*Result, error) {
	each := *job
	each.Ramp = job.Ramp / float64(n)
	total, run := job.Waiters+job.Steady, newRun()
	per := (total + n - 1) / n
	pids := proc.Tree(job.Pids...)
	start, err := proc.CPU(pids...)
	if err != nil {
		return nil, err
	}
	all := shards{ramped: make(chan error, n)}
	began := time.Now()
	for i := range n {
		base := i * per
		all.ended.Go(func() { all.idle(&each, run, base, min(per, total-base)) })
	}
	defer all.stop()
	for range n {
		if err := <-all.ramped; err != nil {
			return nil, err
		}
	}
	r := &Result{Connections: Connections{Requested: total, Time: time.Since(began)}}
	settling, err := proc.CPU(pids...)
	if err != nil {
		return nil, err
	}
	r.Connections.CPU = settling - start
	connected(total)
	time.Sleep(job.Settle)
	if r.Memory, err = memory(pids, before, settling); err != nil {
		return nil, err
	}
	all.stop()
	r.Connections.Reasons = make(map[string]int)
	for _, c := range all.crowds {
		r.Connections.Established += c.established
		r.Connections.Dropped += c.dropped
		for why, n := range c.reasons {
			r.Connections.Reasons[why] += n
		}
	}
	return r, nil
}

// shards are engines on threads of their own.
type shards struct {
	ramped chan error
	over   atomic.Bool
	ended  sync.WaitGroup
	mu     sync.Mutex
	crowds []*crowd // as they were when the job was over
}

// idle connects waiters base to base+n and keeps them until the job is over.
func (s *shards) idle(job *Job, run string, base, n int) {
	runtime.LockOSThread() // and never unlocked: the thread ends with its files
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		s.ramped <- fmt.Errorf("generator: unshare: %w", err)
		return
	}
	e, err := newEngine(job, run, base, n)
	if err != nil {
		s.ramped <- err
		return
	}
	defer e.close()
	ramp := newRamp(e.crowd, 0, job.Ramp)
	if err := e.loop(ramp.done, ramp.step); err != nil {
		s.ramped <- err
		return
	}
	s.ramped <- nil
	_ = e.loop(func(time.Duration) bool { return s.over.Load() }) // its error is that of Job.Limit, which do has as well
	s.mu.Lock()
	defer s.mu.Unlock()
	c := *e.crowd
	s.crowds = append(s.crowds, &c)
}

// stop ends all shards. It may be called more than once.
func (s *shards) stop() {
	s.over.Store(true)
	s.ended.Wait()
}
