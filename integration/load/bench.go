//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
	"github.com/tillbell/tillbell/integration/load/proc"
	"github.com/tillbell/tillbell/integration/load/report"
	"github.com/tillbell/tillbell/integration/load/target"
)

// A bench is one run of the command.
type bench struct {
	size
	dir        string // for everything that servers and builds leave
	keys       target.Keys
	servers    servers
	serverCore int // -1 if there is one core only
	loadCore   int
	report     report.Report
}

// servers are the targets. Nchan's are nil if it is not installed.
type servers struct {
	sse, ws, both     *target.Target
	nchanSSE, nchanWS *target.Target
	naive, bolt, bare *target.Target
}

// streams returns all that one can wait at.
func (s servers) streams() []*target.Target {
	return s.present(s.sse, s.ws, s.nchanSSE, s.nchanWS, s.naive)
}

func (servers) present(all ...*target.Target) []*target.Target {
	var present []*target.Target
	for _, t := range all {
		if t != nil {
			present = append(present, t)
		}
	}
	return present
}

// An entry is one thing to be measured.
type entry struct {
	name      string // unique in its measurement
	target    *target.Target
	options   target.Options
	instances int // 0 is one
	job       generator.Job
}

// A trial is an entry that is being measured: a server and a generator whose waiters wait.
type trial struct {
	entry
	server *target.Server
	cmd    *exec.Cmd
	out    *json.Decoder
	errors bytes.Buffer
	dir    string
	stop   context.CancelFunc
}

// begin starts the server and the generator and returns when all waiters wait.
func (b *bench) begin(ctx context.Context, e entry) (*trial, error) {
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	t := &trial{entry: e, dir: dir}
	t.server, err = e.target.Start(e.options, max(e.instances, 1), b.serverCore, dir)
	if err == nil {
		err = t.generate(ctx, b)
	}
	if err != nil {
		return nil, errors.Join(err, t.end())
	}
	return t, nil
}

func (t *trial) generate(ctx context.Context, b *bench) error {
	t.target.Fill(&t.job, b.keys)
	t.job.Addresses, t.job.Pids = t.server.Addresses, t.server.Pids
	t.job.Limit = 5*time.Minute + time.Duration(t.job.Waiters)*time.Millisecond
	if t.options.Certificate != nil {
		t.job.Certificate = t.options.Certificate.PEM
	}
	job, err := json.Marshal(&t.job)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, t.stop = context.WithTimeout(ctx, t.job.Limit+time.Minute)
	t.cmd = exec.CommandContext(ctx, self, "generate")
	t.cmd.Stdin, t.cmd.Stderr = bytes.NewReader(job), &t.errors
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if b.loadCore >= 0 {
		undo, err := proc.Pin(b.loadCore)
		if err != nil {
			return err
		}
		defer undo()
	}
	if err := t.cmd.Start(); err != nil {
		return err
	}
	t.out = json.NewDecoder(out)
	return t.read(&generator.Connected{})
}

// read reads what the generator writes next. If it writes nothing, its last line says why.
func (t *trial) read(v any) error {
	err := t.out.Decode(v)
	if !errors.Is(err, io.EOF) {
		return err
	}
	_ = t.cmd.Wait()
	said := strings.TrimSpace(t.errors.String())
	return errors.New(said[strings.LastIndexByte(said, '\n')+1:])
}

// finish waits for the result and ends the server.
func (t *trial) finish() (*generator.Result, error) {
	r := &generator.Result{}
	err := t.read(r)
	return r, errors.Join(err, t.end())
}

// end ends the generator and the server.
func (t *trial) end() error {
	if t.stop != nil {
		t.stop()
	}
	if t.cmd != nil && t.cmd.Process != nil {
		_ = t.cmd.Wait() // it was told to end, or has
	}
	t.server.Stop()
	return os.RemoveAll(t.dir)
}

// once measures an entry.
func (b *bench) once(ctx context.Context, e entry) (*generator.Result, error) {
	t, err := b.begin(ctx, e)
	if err != nil {
		return nil, err
	}
	return t.finish()
}
