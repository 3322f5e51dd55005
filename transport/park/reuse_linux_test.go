package park_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/transport/epoll"
)

// handler is an epoll.Handler that calls itself.
type handler func()

func (h handler) Ready(uint32, []byte) { h() }

// TestReusedDescriptor closes a descriptor whose event is under way, and has another one take its number at once: the
// event must not be taken for the other's.
func TestReusedDescriptor(t *testing.T) {
	poller, err := epoll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	add := func(fd int, h handler) epoll.Descriptor {
		d, err := poller.Add(fd, unix.EPOLLIN|unix.EPOLLONESHOT, h)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}

	// The poller is held up until both of the others have something to read: it will fetch both events at once.
	gate, held, goOn := socketPair(t), make(chan struct{}), make(chan struct{})
	add(gate[0], func() {
		close(held)
		<-goOn
	})
	say(t, gate[1])
	<-held

	a, b, other := socketPair(t), socketPair(t), socketPair(t)
	var both [2]epoll.Descriptor
	served := 0
	replaces := func(its int) handler {
		return func() {
			if served++; served > 1 {
				return
			}
			fd := both[its].FD()
			both[its].Close()
			if err := unix.Dup3(other[0], fd, unix.O_CLOEXEC); err != nil {
				t.Error(err)
			}
			add(fd, func() { t.Error("an event is told to a descriptor that was added after it") })
		}
	}
	both[0], both[1] = add(a[0], replaces(1)), add(b[0], replaces(0))
	say(t, a[1])
	say(t, b[1])
	close(goOn)

	// One that comes behind them.
	last, done := socketPair(t), make(chan struct{})
	say(t, last[1])
	add(last[0], func() { close(done) })
	<-done
	if served != 1 {
		t.Errorf("%d of the events were told", served)
	}
}

func socketPair(t *testing.T) [2]int {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	})
	return fds
}

func say(t *testing.T, fd int) {
	t.Helper()
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}
