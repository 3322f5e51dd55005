package front

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/epoll"
)

// acceptor is the Handler of the listening socket.
type acceptor struct {
	epoll.Descriptor
	front *Front

	mu      sync.Mutex
	stopped bool
	quiet   time.Time // nothing is logged of spare until then
	timer   wheel.Timer
}

func (a *acceptor) start(fd int) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Descriptor, err = a.front.poller.Add(fd, unix.EPOLLIN, a)
	return err
}

func (a *acceptor) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stopped {
		a.end()
	}
}

func (a *acceptor) end() {
	a.stopped = true
	a.front.wheel.Cancel(&a.timer)
	a.Release() // the socket stays open elsewhere, and epoll would go on telling of it
	_ = unix.Close(a.FD())
}

// turn is how many connections are accepted in a row before others are served: when thousands come back at once, callbacks
// must not stand behind all of them.
const turn = 8

// Ready accepts.
func (a *acceptor) Ready(uint32, []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range turn {
		if a.stopped {
			return
		}
		fd, peer, err := unix.Accept4(a.FD(), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			a.front.welcome(fd, peer)
		case unix.EAGAIN:
			return
		case unix.EINTR, unix.ECONNABORTED: // the client has left already
		case unix.EMFILE, unix.ENFILE:
			if !a.spare() {
				a.rest(err)
				return
			}
		case unix.EBADF, unix.EINVAL, unix.ENOTSOCK: // it does not listen any more
			a.front.opts.Log.Error("accept", "error", err)
			a.end()
			_ = a.front.rest.Close() // of which net/http tells
			return
		default:
			a.rest(err)
			return
		}
	}
}

// quietTime is how long nothing is logged of connections that were closed for others.
const quietTime = time.Minute

// spare reports whether there are descriptors again.
func (a *acceptor) spare() bool {
	n := a.front.spare()
	if now := time.Now(); n != 0 && now.After(a.quiet) {
		a.quiet = now.Add(quietTime)
		a.front.opts.Log.Warn("out of descriptors: idle connections are closed", "closed", n)
	}
	return n != 0
}

// pause is how long nothing is accepted when the system is out of descriptors or memory.
const pause = 200 * time.Millisecond

func (a *acceptor) rest(err error) {
	a.front.opts.Log.Error("accept", "error", err)
	a.Watch(0)
	a.front.wheel.Set(&a.timer, time.Now().Add(pause), a)
}

// Ring accepts again.
func (a *acceptor) Ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stopped {
		a.Watch(unix.EPOLLIN)
	}
}

// welcome begins to serve a connection.
func (f *Front) welcome(fd int, peer unix.Sockaddr) {
	c := &client{front: f, remote: address(peer)}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.add(c)
	d, err := f.poller.Add(fd, watched, c)
	if err != nil {
		f.opts.Log.Error("accept", "error", err)
		c.forget()
		_ = unix.Close(fd) // nobody serves it
		return
	}
	c.Descriptor = d
	c.wait(f.opts.RequestTime)
}

// address returns the peer's as net/http writes it.
func address(peer unix.Sockaddr) string {
	switch a := peer.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(a.Addr).Unmap()
		if a.ZoneId != 0 && ip.Is6() {
			ip = ip.WithZone(strconv.FormatUint(uint64(a.ZoneId), 10))
		}
		return netip.AddrPortFrom(ip, uint16(a.Port)).String()
	}
	return ""
}
