//go:build linux

package target

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

const (
	startTime = 20 * time.Second
	stopTime  = 8 * time.Second
)

// A Server is a started target: one process, or several that share nothing.
type Server struct {
	Pids      []int
	Addresses []string
	Cold      time.Duration // from exec to the first answer, of the last process

	processes []*process
}

type process struct {
	cmd   *exec.Cmd
	log   string // file
	ended chan struct{}
}

// Start starts that many instances of the target and waits until all answer. With a core of 0 or more, they run on
// that core alone and Go's scheduler has one processor. Files go to dir. Stop the server in any case.
func (t *Target) Start(o Options, instances, core int, dir string) (*Server, error) {
	s := &Server{}
	processes := instances
	if t.forks {
		processes = 1
	}
	routes := make([]string, instances)
	for i := range routes {
		var err error
		if routes[i], err = unused(); err != nil {
			return s, err
		}
	}
	var began time.Time
	for i := range processes {
		address, err := unused()
		if err != nil {
			return s, err
		}
		cmd, err := t.command(o, place{address, dir, instances, i, routes})
		if err != nil {
			return s, err
		}
		began = time.Now()
		p, err := start(cmd, core, filepath.Join(dir, fmt.Sprintf("server-%d.log", i)))
		if err != nil {
			return s, fmt.Errorf("target: %s: %w", t.Name, err)
		}
		s.processes = append(s.processes, p)
		s.Pids = append(s.Pids, cmd.Process.Pid)
		s.Addresses = append(s.Addresses, address)
	}
	path := t.health
	switch {
	case o.Certificate != nil:
		path = ""
	case o.Engine != Memory:
		path = "/readyz" // it is healthy before its log is open
	}
	for i, p := range s.processes {
		if err := p.ready(s.Addresses[i], path); err != nil {
			return s, fmt.Errorf("target: %s: %w", t.Name, err)
		}
	}
	s.Cold = time.Since(began)
	return s, nil
}

// unused returns an address on which nobody listens.
func unused() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it does not block
	if err != nil {
		return "", fmt.Errorf("target: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func start(cmd *exec.Cmd, core int, log string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	for _, v := range os.Environ() { // a server is measured with its own settings
		if !strings.HasPrefix(v, "TILLBELL_") && !strings.HasPrefix(v, "GO") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	if core >= 0 {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
		undo, err := proc.Pin(core)
		if err != nil {
			return nil, err
		}
		defer undo()
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return p, nil
}

// ready asks again and again until the server answers.
func (p *process) ready(address, path string) error {
	for began := time.Now(); time.Since(began) < startTime; {
		switch err := answers(address, path); {
		case err == nil:
			return nil
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EINTR), errors.Is(err, errStatus):
		default:
			return err
		}
		select {
		case <-p.ended:
			return fmt.Errorf("ended: %s", p.lastLine())
		default:
		}
	}
	return fmt.Errorf("no answer within %v: %s", startTime, p.lastLine())
}

func (p *process) lastLine() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}

// Stop ends the processes, by force if they take longer than 8 s, and returns when they are gone.
func (s *Server) Stop() {
	for _, p := range s.processes {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	late := time.After(stopTime)
	for _, p := range s.processes {
		select {
		case <-p.ended:
			continue
		case <-late:
			late = time.After(0)
		}
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // its own group
		<-p.ended
	}
}
