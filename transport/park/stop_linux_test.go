package park

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
)

// bare is a Codec of single words.
type bare struct{}

func (bare) AppendState(b []byte, _ *relay.State) []byte          { return append(b, "state "...) }
func (bare) AppendEvent(b []byte, _ *relay.Told) []byte           { return append(b, "event "...) }
func (bare) AppendPing(b []byte) []byte                           { return append(b, "ping "...) }
func (bare) AppendEnd(b []byte, _ error, _ relay.Position) []byte { return append(b, "end "...) }
func (bare) Input() Input                                         { return nil }

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// TestCutOfClosed cuts a connection that has gone, and whose descriptor is somebody else's by then.
func TestCutOfClosed(t *testing.T) {
	w := wheel.New()
	defer w.Stop()
	p := New(w, Options{Codec: bare{}})
	_, server := pair(t)
	c := p.Expect()
	c.Attach(Connection{conn: server}, nil, []byte("head "))
	fd := c.link.(*descriptor).FD()
	left := p.all() // what Stop has when its time is over
	c.hungUp()
	other, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if other != fd {
		if err := unix.Dup3(other, fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(other)
	}
	defer unix.Close(fd)
	for _, c := range left {
		c.cut()
	}
	if l, err := unix.GetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER); err != nil || l.Onoff != 0 {
		t.Errorf("another connection's SO_LINGER is %+v, %v", l, err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStopDoesNotWaitForTheExpected has a Stop whose time is over while a connection is still to come. It is cut when it
// comes, and one that is expected afterwards is not.
func TestStopDoesNotWaitForTheExpected(t *testing.T) {
	w := wheel.New()
	defer w.Stop()
	p := New(w, Options{Codec: bare{}})
	late := p.Expect()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Stop(over); err == nil || !strings.Contains(err.Error(), "0 connections cut") {
		t.Errorf("stop: %v", err)
	}
	after := p.Expect()
	client, server := pair(t)
	late.Attach(Connection{conn: server}, nil, []byte("head "))
	if _, err := io.ReadAll(client); err == nil {
		t.Error("the late connection was not cut")
	}
	client, server = pair(t)
	after.Attach(Connection{conn: server}, nil, []byte("head "))
	after.End(relay.ErrExpired)
	if all, err := io.ReadAll(client); err != nil || string(all) != "head end " {
		t.Errorf("%q, %v", all, err)
	}
	client.Close()
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
