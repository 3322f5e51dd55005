//go:build linux

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Process is a program that is started, killed and started again. Its methods may be called at the same time.
type Process struct {
	Name string

	command []string
	log     string // file
	ns      *namespace
	ready   func(context.Context) error
	crashed func(what string)
	patient bool // it ends where it cannot serve at once, and whoever runs it starts it again

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // closed when cmd is gone
	wanted bool          // it is meant to run
	served bool          // since it was started
}

// restartTime is how long a process that ended by itself stays away.
const restartTime = 500 * time.Millisecond

// readyTime bounds how long a process may take until it serves.
const readyTime = 60 * time.Second

// Start starts the process. It may not be running.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.start()
}

// start is Start. p.mu is held.
func (p *Process) start() error {
	f, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cluster: start %s: %w", p.Name, err)
	}
	defer f.Close()
	cmd := exec.Command(p.command[0], p.command[1:]...) //nolint:noctx // ended by Kill
	cmd.Stdout, cmd.Stderr = f, f
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TILLBELL_") && !strings.HasPrefix(v, "PORT=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	if err := processes.start(cmd, p.ns); err != nil {
		return fmt.Errorf("cluster: start %s: %w", p.Name, err)
	}
	p.cmd, p.ended, p.wanted, p.served = cmd, make(chan struct{}), true, false
	go p.follow(cmd, p.ended)
	return nil
}

// follow waits for the end of the process. One that ends by itself is said, and started again.
func (p *Process) follow(cmd *exec.Cmd, ended chan struct{}) {
	err := cmd.Wait()
	close(ended)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wanted || p.cmd != cmd {
		return
	}
	if !p.patient || p.served {
		p.crashed(fmt.Sprintf("%s ended by itself: %v: %s", p.Name, err, p.lastLine()))
	}
	p.mu.Unlock()
	time.Sleep(restartTime)
	p.mu.Lock()
	if !p.wanted || p.cmd != cmd {
		return
	}
	if err := p.start(); err != nil {
		p.crashed(err.Error())
	}
}

// Ready waits until the process serves.
func (p *Process) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		err := p.ready(ctx)
		if err == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.served = true
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cluster: %s does not serve within %v: %w: %s", p.Name, readyTime, err, p.lastLine())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the process at once (SIGKILL) and returns when it is gone.
func (p *Process) Kill() { p.end(unix.SIGKILL) }

// Stop asks the process to end (SIGTERM), and kills it if it takes longer than 15 s.
func (p *Process) Stop() { p.end(unix.SIGTERM) }

const stopTime = 15 * time.Second

func (p *Process) end(sig unix.Signal) {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.wanted = false
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	p.signal(sig)
	if sig == unix.SIGTERM {
		select {
		case <-ended:
			return
		case <-time.After(stopTime):
			p.signal(unix.SIGKILL)
		}
	}
	<-ended
}

// Pause stops the process without its noticing (SIGSTOP), Resume lets it go on.
func (p *Process) Pause()  { p.signal(unix.SIGSTOP) }
func (p *Process) Resume() { p.signal(unix.SIGCONT) }

// signal sends a signal to the process, and to no other that got its number: the number is the process's own until it
// was waited for.
func (p *Process) signal(sig unix.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err) // a process of one's own cannot refuse a signal
	}
}

// Pid returns the process's number, 0 before its first start.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *Process) lastLine() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}
