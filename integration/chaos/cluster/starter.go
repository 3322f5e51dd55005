//go:build linux

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// A starter starts all processes from one thread that lives as long as the program: they die with the thread that
// started them (prctl(2), PR_SET_PDEATHSIG), so that nothing of a run that was killed goes on.
type starter struct {
	once sync.Once
	jobs chan func()
}

var processes = starter{jobs: make(chan func())}

// do runs f on the thread and returns when it is done.
func (s *starter) do(f func()) {
	s.once.Do(func() {
		go func() {
			runtime.LockOSThread()
			for job := range s.jobs {
				job()
			}
		}()
	})
	done := make(chan struct{})
	s.jobs <- func() { defer close(done); f() }
	<-done
}

// start starts the command in the namespace, or in the program's own where that is nil. What it does to the command's
// attributes makes it end with this program.
func (s *starter) start(cmd *exec.Cmd, ns *namespace) (err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &unix.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = unix.SIGKILL, true
	s.do(func() {
		if ns == nil {
			err = cmd.Start()
			return
		}
		err = ns.inside(cmd.Start)
	})
	return err
}

// namespace is a network namespace that lives as long as its file is open or a process is in it.
type namespace struct{ file *os.File }

// current opens the calling thread's network namespace.
func current() (*namespace, error) {
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("cluster: open namespace: %w", err)
	}
	return &namespace{f}, nil
}

// inside runs f in the namespace. The calling goroutine is that of the starter, whose thread nobody else has.
func (n *namespace) inside(f func() error) error {
	home, err := current()
	if err != nil {
		return err
	}
	defer home.close()
	if err := n.enter(); err != nil {
		return err
	}
	err = f()
	if back := home.enter(); back != nil {
		panic(back) // every process would start in the wrong place
	}
	return err
}

func (n *namespace) enter() error {
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cluster: enter namespace: %w", err)
	}
	return nil
}

// path is where other processes find the namespace.
func (n *namespace) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

func (n *namespace) close() { _ = n.file.Close() }
