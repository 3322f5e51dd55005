package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/transport/epoll"
)

// TestShutdown stops while clients are in every state.
func TestShutdown(t *testing.T) {
	h := newHeld()
	s := newSite(t, Options{Handler: h})
	silent, idle, busy, part := s.dial(t), s.dial(t), s.dial(t), s.dial(t)
	part.say(post[:9])
	busy.say(hold + post)
	<-h.entered
	idle.say(post)
	idle.expect(posted, true)
	done := make(chan error)
	go func() { done <- s.Shutdown(context.Background()) }()
	silent.expectEnd()
	idle.expectEnd()
	if nc, err := net.Dial("tcp", s.addr); err == nil {
		nc.Close()
		t.Error("the listener is open")
	}
	part.say(post[9:])
	resp, _ := part.hear()
	if !resp.Close {
		t.Error("a request that came by halves: the connection is kept")
	}
	part.expectEnd()
	part.TCPConn.Close()
	h.release <- struct{}{}
	if resp, body := busy.hear(); !resp.Close || body != posted {
		t.Errorf("the request under way: %s, %q, close is %t", resp.Status, body, resp.Close)
	}
	busy.expectEnd()
	busy.TCPConn.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	s.closeRest(t)
}

// TestCut stops with no time left. A handler that is under way, and takes its connection over later, has nobody else's
// descriptor.
func TestCut(t *testing.T) {
	h := newHeld()
	var taken epoll.Descriptor
	finished := make(chan error, 2)
	s := newSite(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if r.Method == "GET" {
			taken, _ = w.(*exchange).Take()
		}
		finished <- nil
	})})
	taker, asker := s.dial(t), s.dial(t)
	taker.say(strings.Replace(get, "Host: x\r\n", "Host: x\r\nHeld: yes\r\n", 1))
	<-h.entered
	asker.say(hold)
	<-h.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "2 connections") {
		t.Errorf("shutdown: %v", err)
	}
	for _, p := range []*peer{taker, asker} {
		if _, err := io.ReadAll(p); err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Error(err)
		}
	}
	// Whatever is opened gets the lowest number that is free.
	var others [8]*os.File
	for i := range others {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		others[i] = r
		defer w.Close()
	}
	for range 2 {
		h.release <- struct{}{}
		<-finished
	}
	for _, o := range others {
		if int(o.Fd()) == taken.FD() {
			t.Error("the handler has another's descriptor")
		}
	}
	if n, err := taken.Write([]byte("a")); err == nil {
		t.Errorf("%d bytes are written to a connection that was cut", n)
	}
	taken.Close()
	s.workers.running.Wait()
	s.closeRest(t)
}

// TestNothingLeft counts descriptors.
func TestNothingLeft(t *testing.T) {
	newSite(t, Options{}).stop(t) // Go's runtime has its own from then on
	before := descriptors(t)
	s := newSite(t, Options{})
	for _, text := range []string{"", post, get, cold, closing(post), post[:9], "garbage\r\n\r\n"} {
		p := s.dial(t)
		if text != "" {
			p.say(text)
		}
		if strings.HasSuffix(text, "}") || strings.HasSuffix(text, "\n") {
			p.hear()
		}
		defer p.TCPConn.Close()
	}
	s.stop(t)
	if after := descriptors(t); after != before+7 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// descriptors returns how many are open.
func descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestListenerClosed has somebody else close the listener, which does not matter, and shut its socket, which ends net/http's
// listening too, as its owner expects.
func TestListenerClosed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	shut := func() {
		if err := raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }); err != nil {
			t.Error(err)
		}
	}
	s := newSiteOn(t, ln, Options{})
	p := s.dial(t)
	p.say(post)
	p.expect(posted, true)
	shut()
	if err := <-s.served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("net/http has served until %v", err)
	}
	s.served <- nil
	p.say(post) // who is in stays
	p.expect(posted, true)

	if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s = newSiteOn(t, ln, Options{})
	ln.Close()
	p = s.dial(t)
	p.say(post)
	p.expect(posted, true)
}

// TestNoListener has listeners that cannot be watched.
func TestNoListener(t *testing.T) {
	if _, err := New(nil, Options{}); err == nil {
		t.Error("nil is accepted from")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if _, err := New(ln, Options{}); err == nil || !strings.HasPrefix(err.Error(), "front: ") {
		t.Errorf("a closed one: %v", err)
	}
}
