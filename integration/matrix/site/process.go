//go:build linux

package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readyTime bounds how long the server may take until it serves, stopTime until it has ended.
	readyTime = 30 * time.Second
	stopTime  = 15 * time.Second
)

// start starts the server and waits until it serves.
func (s *Site) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "tillbell.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.program, "serve", "-c", filepath.Join(s.dir, "tillbell.yaml")) //nolint:noctx // ended by end
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	cmd.Env = []string{"GORACE=atexit_sleep_ms=0"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TILLBELL_") && !strings.HasPrefix(v, "PORT=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		// A process dies with the thread that started it (prctl(2), PR_SET_PDEATHSIG), so the thread stays with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.mu.Lock()
	s.process, s.ended = cmd.Process, ended
	s.mu.Unlock()
	return s.ready(ctx, ended)
}

// ready waits until the server says that it serves.
func (s *Site) ready(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.asks(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("the server has ended: see its log")
		case <-ctx.Done():
			return fmt.Errorf("the server does not serve within %v: %w", readyTime, err)
		case <-tick.C:
		}
	}
}

// asks asks the server once whether it serves.
func (s *Site) asks(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.server+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := web.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// end sends the server a signal and returns when it is gone. One that does not end is killed.
func (s *Site) end(sig os.Signal) error {
	s.mu.Lock()
	process, ended := s.process, s.ended
	s.mu.Unlock()
	if process == nil {
		return nil
	}
	if err := process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(stopTime)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
	}
	_ = process.Kill()
	<-ended
	return fmt.Errorf("the server does not end within %v of %v", stopTime, sig)
}

// processes are what start and end work on.
type processes struct {
	mu      sync.Mutex
	process *os.Process // nil before the first start
	ended   chan struct{}
}
