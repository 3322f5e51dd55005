//go:build linux

package cluster

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestNetwork parts one of three machines from the others and joins it again. The generator reaches it all the time.
func TestNetwork(t *testing.T) {
	needInside(t, "ip")
	ctx := t.Context()
	if err := Loopback(ctx); err != nil {
		t.Fatal(err)
	}
	n, err := NewNetwork(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var ln net.Listener
	processes.do(func() {
		err = n.spaces[0].inside(func() error { ln, err = new(net.ListenConfig).Listen(ctx, "tcp", "0.0.0.0:7777"); return err })
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dial := func(ns *namespace, host string) (err error) {
		connect := func() error {
			nc, err := (&net.Dialer{Timeout: 500 * time.Millisecond}).DialContext(ctx, "tcp", host+":7777")
			if err == nil {
				nc.Close()
			}
			return err
		}
		if ns == nil {
			return connect()
		}
		processes.do(func() { err = ns.inside(connect) })
		return err
	}
	reached := func(when string, back bool) {
		t.Helper()
		if err := dial(nil, frontAddress(0)); err != nil {
			t.Errorf("%s: the generator does not reach the machine: %v", when, err)
		}
		for i := 1; i < 3; i++ {
			if err := dial(n.spaces[i], backAddress(0)); (err == nil) != back {
				t.Errorf("%s: machine %d dials the first one: %v", when, i, err)
			}
		}
	}
	reached("at first", true)
	if err := n.Isolate(ctx, 0); err != nil {
		t.Fatal(err)
	}
	reached("parted", false)
	if err := n.Join(ctx, 0); err != nil {
		t.Fatal(err)
	}
	reached("joined", true)
}

func TestVolume(t *testing.T) {
	needInside(t, "mkfs.ext4", "mount")
	v, err := NewVolume(t.Context(), t.TempDir(), 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(v.Dir, "file")
	block := bytes.Repeat([]byte("x"), 1<<20)
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Fill(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.Dir, "more"), block, 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("writing to a full volume: %v", err)
	}
	if err := v.Empty(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.Dir, "more"), block, 0o600); err != nil {
		t.Errorf("writing after that: %v", err)
	}
	if Throttles() != nil {
		return
	}
	if err := v.Slow(os.Getpid(), 40); err != nil {
		t.Error(err)
	}
	v.Hurry()
	if v.group != "" {
		t.Error("the control group is left")
	}
}
