//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// A site is the server under attack, and the stand-ins of providers' APIs.
type site struct {
	accounts []*account
	address  string // of the public listener
	admin    string
	key      string // an API key
	log      string // file

	cmd   *exec.Cmd
	ended chan struct{}
	api   *http.Server
}

// open starts the program with a source for each account, on the core if it is not negative. Close the site in any case.
func open(ctx context.Context, program, dir string, core int) (*site, error) {
	s := &site{key: rand.Text() + rand.Text(), log: filepath.Join(dir, "server.log"), ended: make(chan struct{})}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return s, err
	}
	mux := http.NewServeMux()
	s.api = &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go func() { _ = s.api.Serve(ln) }()
	base := "http://" + ln.Addr().String()
	if s.accounts, err = accounts(base); err != nil {
		return s, err
	}
	for _, a := range s.accounts {
		if a.api != nil {
			mux.Handle("/"+a.name+"/", http.StripPrefix("/"+a.name, a.api))
		}
	}
	if s.address, err = unused(ctx); err != nil {
		return s, err
	}
	if s.admin, err = unused(ctx); err != nil {
		return s, err
	}
	config := filepath.Join(dir, "tillbell.yaml")
	if err := s.configure(config); err != nil {
		return s, err
	}
	if err := s.start(program, config, core); err != nil {
		return s, err
	}
	return s, s.ready(ctx)
}

// unused returns an address on which nobody listens.
func unused(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *site) configure(file string) error {
	sources := make(map[string]any)
	for _, a := range s.accounts {
		section, err := a.section()
		if err != nil {
			return err
		}
		sources[a.name] = section
	}
	text, err := yaml.Marshal(map[string]any{
		"listen": s.address, "admin": s.admin, "engine": "memory", "api_keys": []string{s.key},
		"tickets":  map[string]any{"secret": rand.Text() + rand.Text()},
		"shutdown": map[string]any{"drain": "1s"},
		"sources":  sources,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func (s *site) start(program, config string, core int) error {
	f, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer f.Close()
	s.cmd = exec.Command(program, "serve", "-c", config) //nolint:noctx // ended by close
	s.cmd.Stdout, s.cmd.Stderr = f, f
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	for _, v := range os.Environ() { // it is attacked with its own settings
		if !strings.HasPrefix(v, "TILLBELL_") && !strings.HasPrefix(v, "GO") && !strings.HasPrefix(v, "PORT=") {
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	if core >= 0 {
		s.cmd.Env = append(s.cmd.Env, "GOMAXPROCS=1")
		undo, err := proc.Pin(core)
		if err != nil {
			return err
		}
		defer undo()
	}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // how it ended is in its log
	}()
	return nil
}

// ready waits until the server is.
func (s *site) ready(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < patience; {
		resp, err := get(ctx, "http://"+s.address+"/readyz", "")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended: %s", s.lastLine())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("the server does not answer")
}

func (s *site) lastLine() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	text := strings.TrimSpace(string(b))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// close ends the server, by force if need be, and the stand-ins.
func (s *site) close() {
	if s.api != nil {
		_ = s.api.Close()
	}
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

func get(ctx context.Context, url, key string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return http.DefaultClient.Do(r)
}

// paid reports whether the server says that the payment is.
func (s *site) paid(ctx context.Context, payment string) (bool, error) {
	resp, err := get(ctx, "http://"+s.address+"/v1/payments/"+url.PathEscape(payment), s.key)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	var state struct {
		Status   string `json:"status"`
		Conflict bool   `json:"conflict"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		return false, err
	}
	return state.Status == "paid" && !state.Conflict, nil
}

// A usage is what the server has used, and what it holds.
type usage struct {
	at    time.Time
	cpu   time.Duration
	rss   int64 // bytes
	log   int64 // bytes
	asked int64 // requests at the APIs
}

func (s *site) usage() (usage, error) {
	u := usage{at: time.Now()}
	m, err := proc.ReadMemory(s.cmd.Process.Pid)
	if err != nil {
		return u, err
	}
	u.rss = m.RSS
	if u.cpu, err = proc.CPU(s.cmd.Process.Pid); err != nil {
		return u, err
	}
	f, err := os.Stat(s.log)
	if err != nil {
		return u, err
	}
	u.log = f.Size()
	for _, a := range s.accounts {
		u.asked += a.asked.Load()
	}
	return u, nil
}
