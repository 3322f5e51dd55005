package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The keys of every server under test. All are made up.
const (
	apiKey       = "integration-api-key-4f1c0a7be2d94c6f8a35"
	ticketSecret = "integration-ticket-secret-77b0c9d1e3a5f264"
	erpSecret    = "whsec_aW50ZWdyYXRpb24tZXJwLXNlY3JldC0wMTIzNDU2Nzg5"
	cardSecret   = "whsec_aW50ZWdyYXRpb24tY2FyZC1zZWNyZXQtMDEyMzQ1Njc4"
)

// settings are a configuration file's content.
type settings map[string]any

// defaults returns a configuration with two sources: erp (standard-webhooks) and card (stripe).
func defaults() settings {
	return settings{
		"listen":   "127.0.0.1:0",
		"admin":    "",
		"api_keys": []string{apiKey},
		"tickets":  settings{"secret": ticketSecret},
		"log":      settings{"level": "debug", "format": "json"},
		"sources":  sources(erpSecret),
	}
}

func sources(erp ...string) settings {
	return settings{
		"erp":  settings{"provider": "standard-webhooks", "secrets": erp},
		"card": settings{"provider": "stripe", "secrets": []string{cardSecret}},
	}
}

// with returns the settings with one changed.
func (s settings) with(name string, value any) settings {
	next := make(settings, len(s)+1)
	for n, v := range s {
		next[n] = v
	}
	next[name] = value
	return next
}

// write puts the settings into a file. JSON is YAML.
func (s settings) write(t *testing.T, path string) {
	t.Helper()
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// server is one process of `tillbell serve`.
type server struct {
	url  string // http://host:port
	path string // of its configuration file
	cmd  *exec.Cmd
	log  *logbook
	gone chan struct{} // closed when the process is gone
	err  error         // of its exit, after gone
	kill bool          // the test has it end by a signal

	mu      sync.Mutex
	tickets []string // those the log must not hold
}

// start runs `tillbell serve` with the settings until the test is over, and returns when it is ready. At the end of the
// test it must drain and exit with 0, and must not have logged a secret.
func start(t *testing.T, s settings) *server {
	t.Helper()
	srv := launch(t, s)
	srv.awaitReady(t)
	return srv
}

// launch starts the process and does not wait for anything.
func launch(t *testing.T, s settings) *server {
	t.Helper()
	srv := &server{path: filepath.Join(t.TempDir(), "tillbell.yaml"), log: newLogbook()}
	srv.gone = srv.log.complete
	s.write(t, srv.path)
	srv.cmd = exec.Command(binary, "serve", "-c", srv.path)
	srv.cmd.Env = environment()
	srv.cmd.Stdout, srv.cmd.Stderr = srv.log, srv.log
	if err := srv.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		srv.err = srv.cmd.Wait()
		close(srv.gone)
	}()
	t.Cleanup(func() { srv.finish(t) })
	return srv
}

// environment returns this process's, without what configures Tillbell. The race detector waits for a second at the end
// of a process unless told not to.
func environment() []string {
	return append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "TILLBELL_") || strings.HasPrefix(v, "PORT=")
	}), "GORACE=atexit_sleep_ms=0")
}

// awaitReady learns the address from the log and waits until /readyz says that the server serves.
func (s *server) awaitReady(t *testing.T) {
	t.Helper()
	s.url = "http://" + s.log.await(t, "listening", 0).text("address")
	s.awaitStatus(t, "/readyz", http.StatusOK)
}

// awaitStatus waits until the path answers with the status.
func (s *server) awaitStatus(t *testing.T, path string, status int) {
	t.Helper()
	var last string
	eventually(t, func() bool {
		resp, err := web.Get(s.url + path)
		if err != nil {
			last = err.Error()
			return false
		}
		resp.Body.Close()
		last = resp.Status
		return resp.StatusCode == status
	}, func() string { return fmt.Sprintf("%s answers %d; the last answer was %s", path, status, last) })
}

// signal sends a signal to the process.
func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %s: %v", sig, err)
	}
}

// awaitExit waits until the process is gone.
func (s *server) awaitExit(t *testing.T) {
	t.Helper()
	select {
	case <-s.gone:
	case <-time.After(patience):
		t.Fatalf("the process does not exit within %s", patience)
	}
}

// finish ends the process if it runs still, and judges how it ended.
func (s *server) finish(t *testing.T) {
	end := syscall.SIGTERM
	if s.kill {
		end = syscall.SIGKILL
	}
	err := s.cmd.Process.Signal(end)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-s.gone:
	case <-time.After(patience):
		t.Errorf("SIGTERM does not end the process within %s", patience)
		_ = s.cmd.Process.Kill()
		<-s.gone
	}
	if s.err != nil && !s.kill {
		t.Errorf("tillbell serve: %v", s.err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.check(t, append(s.tickets, apiKey, ticketSecret, erpSecret, cardSecret, erpSecret[6:], cardSecret[6:]))
	if t.Failed() {
		t.Logf("the server's log:\n%s", s.log.excerpt())
	}
}

// eventually waits until ok, which it asks many times a second.
func eventually(t *testing.T, ok func() bool, what func() string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("not within %s: %s", patience, what())
		}
	}
}

// freeAddress returns a loopback address whose port is free, and outside of the range that connections get theirs from.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.N(12000))
		if ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address); err == nil {
			ln.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
