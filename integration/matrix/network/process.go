package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A process is a proxy that somebody else wrote. It keeps nothing that would have to be saved, and has no children.
type process struct {
	cmd   *exec.Cmd
	log   string        // file
	ended chan struct{} // closed when the process is gone
}

// readyTime bounds how long a program may take until it listens: most of a second on a busy machine.
const readyTime = 20 * time.Second

// run starts a program that stays in the foreground, and returns when it listens at the address. Its log is in dir. It
// dies with this program.
func run(ctx context.Context, cmd *exec.Cmd, dir, address string) (*process, error) {
	name := cmd.Args[0]
	if cmd.Path = program(name); cmd.Path == "" {
		return nil, fmt.Errorf("%s is not installed", name)
	}
	cmd.Err = nil // of a search where an ordinary user looks
	log := filepath.Join(dir, name+".log")
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	if err := start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	if err := p.ready(ctx, address); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w: %s", name, err, p.lastLine()), p.Close())
	}
	return p, nil
}

// ready connects again and again until the process listens.
func (p *process) ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp4", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("it does not listen: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Close kills the process and returns when it is gone. Nothing of it is worth a farewell.
func (p *process) Close() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

func (p *process) lastLine() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}

// unused returns an address of 127.0.0.1 on which nobody listens.
func unused(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
