//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// Where an attack comes from. Genuine callbacks come from home.
const (
	home       = "127.0.0.1"
	elsewhere  = "sixteen other networks"
	everywhere = "a thousand networks"
	sameHome   = "the same address"
)

// A job is one attack, for the process that does it.
type job struct {
	Server string
	From   string
	Conns  int
	Time   time.Duration
	// Calls are what is posted, in turn, by source.
	Calls map[string][]call
}

// tally is how calls were answered, by source and status.
type tally map[string]map[int]int

// believed stands for the status of a forged call that was acknowledged.
const believed = -1

func (t tally) add(source string, status, n int) {
	if t[source] == nil {
		t[source] = make(map[int]int)
	}
	t[source][status] += n
}

// total returns how many calls were answered with one of the statuses, or with any if none is named.
func (t tally) total(source string, statuses ...int) (n int) {
	for s, counts := range t {
		if source != "" && s != source {
			continue
		}
		for status, count := range counts {
			ok := len(statuses) == 0
			for _, want := range statuses {
				ok = ok || status == want
			}
			if ok {
				n += count
			}
		}
	}
	return n
}

// attackMain is the process that attacks. It steps back whenever anybody else wants its core.
func attackMain(in io.Reader, out io.Writer) error {
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 19)
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	t, err := j.do(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(t)
}

// do attacks over all connections at once.
func (j *job) do(ctx context.Context) (tally, error) {
	until := time.Now().Add(j.Time)
	var sources []string
	for s := range j.Calls {
		sources = append(sources, s)
	}
	var all sync.WaitGroup
	var networks atomic.Int64
	tallies, errs := make([]tally, j.Conns), make([]error, j.Conns)
	for i := range j.Conns {
		tallies[i] = make(tally)
		all.Go(func() {
			for k := i * apart; time.Now().Before(until) && errs[i] == nil; {
				k, errs[i] = j.connection(ctx, j.address(i, &networks), until, sources, k, tallies[i])
			}
		})
	}
	all.Wait()
	sum := make(tally)
	for _, t := range tallies {
		for source, counts := range t {
			for status, n := range counts {
				sum.add(source, status, n)
			}
		}
	}
	return sum, errors.Join(errs...)
}

// apart is how many calls lie between where two connections begin, so that they do not post the same at once.
const apart = 7919

// address returns where a connection comes from. Each /24 is a network.
func (j *job) address(conn int, networks *atomic.Int64) string {
	switch j.From {
	case elsewhere:
		return fmt.Sprintf("127.1.%d.1", conn%16)
	case everywhere:
		n := networks.Add(1) % 1000
		return fmt.Sprintf("127.%d.%d.1", 2+n/250, n%250)
	}
	return home
}

// perConnection is how many calls a connection has from everywhere.
const perConnection = 20

// connection posts calls from the k-th on, and returns which is next.
func (j *job) connection(ctx context.Context, from string, until time.Time, sources []string, k int, t tally) (int, error) {
	w, err := dial(ctx, from, j.Server)
	if err != nil {
		return k, err
	}
	defer w.close()
	for n := 0; time.Now().Before(until) && (j.From != everywhere || n < perConnection); n++ {
		source := sources[k%len(sources)]
		c := j.Calls[source][k/len(sources)%len(j.Calls[source])]
		status, last, err := w.post(c.Text)
		k++
		if err != nil {
			return k, fmt.Errorf("post to %s: %w", source, err)
		}
		if c.Forged && status < 300 {
			status = believed
		}
		t.add(source, status, 1)
		if last {
			break
		}
	}
	return k, nil
}

// attack does a job in a process of its own, on the core.
func attack(ctx context.Context, j job, core int) (tally, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.Time+patience)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "attack")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if core >= 0 {
		undo, err := proc.Pin(core)
		if err != nil {
			return nil, err
		}
		defer undo()
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("attack: %w: %s", err, strings.TrimSpace(said.String()))
	}
	var t tally
	return t, json.Unmarshal(out, &t)
}
