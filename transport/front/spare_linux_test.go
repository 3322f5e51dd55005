package front

import (
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// age makes all clients look idle for longer than they are.
func (s *site) age() {
	for _, c := range s.all() {
		c.mu.Lock()
		c.due -= 2 * freshTime
		c.mu.Unlock()
	}
}

// idlers returns n clients that have asked once, each long after the one before.
func (s *site) idlers(t *testing.T, n int) (all []*peer) {
	t.Helper()
	for range n {
		s.age()
		p := s.dial(t)
		p.say(post)
		p.expect(posted, true)
		all = append(all, p)
	}
	return all
}

// TestSpare has clients in every state when descriptors are needed. Those that are idle go, the longest idle ones first;
// nobody else does, and nobody whose request is there, though it was not read yet.
func TestSpare(t *testing.T) {
	h := newHeld()
	entered, release := make(chan struct{}), make(chan struct{})
	s := newSite(t, Options{Handler: h, Takes: func(method, path string) bool {
		if path == "/gate" {
			entered <- struct{}{}
			<-release
		}
		return hot(method, path)
	}})
	busy := s.dial(t)
	busy.say(hold)
	<-h.entered
	old := s.idlers(t, spared)
	asking := s.idlers(t, 1)[0]
	late := s.all()[0] // the one that has come last
	fresh := s.idlers(t, 1)[0]
	gate := s.dial(t)
	gate.say("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered // and nobody reads

	asking.say(post)
	for !late.pending() {
		runtime.Gosched()
	}
	if n := s.spare(); n != 2 { // an eighth, rounded up
		t.Errorf("%d connections are closed at first", n)
	}
	old[0].expectEnd()
	old[1].expectEnd()
	n := 2
	for more := s.spare(); more != 0; more = s.spare() {
		n += more
	}
	if n != spared {
		t.Errorf("%d connections are closed, want %d", n, spared)
	}
	release <- struct{}{}
	asking.expect(posted, true)
	h.release <- struct{}{}
	busy.expect(posted, true)
	fresh.say(post)
	fresh.expect(posted, true)
	gate.expect("GET /gate ", false)
	for _, p := range old {
		p.expectEnd()
	}
}

// TestHandOverExhausted leaves a connection to net/http when there is no descriptor for it.
func TestHandOverExhausted(t *testing.T) {
	s := newSite(t, Options{IdleTime: time.Hour})
	all := s.idlers(t, 3)
	s.age()
	next, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: uint64(next.Fd()), Max: before.Max} // the lowest that is free
	next.Close()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	all[2].say(cold)
	all[2].expect(answered, false)
	all[0].expectEnd()
}
