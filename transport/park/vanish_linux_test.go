package park_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay"
)

// TestVanished has clients that are gone without a word: their systems answer nothing any more. Keep-alive probes find
// the idle ones, and TCP_USER_TIMEOUT those that something was written to.
func TestVanished(t *testing.T) {
	for name, speaks := range map[string]bool{"idle": false, "while something is written": true} {
		for link, wrap := range map[string]func(*net.TCPConn) net.Conn{
			plain:            func(tcp *net.TCPConn) net.Conn { return tcp },
			"*park.blocking": func(tcp *net.TCPConn) net.Conn { return hidden{tcp} },
		} {
			t.Run(name+"/"+link, func(t *testing.T) {
				t.Parallel()
				y := newYard(t, kind{link: link, listen: overTCP(func(tcp *net.TCPConn) net.Conn {
					impatient(t, tcp)
					return wrap(tcp)
				}, false)}, options{})
				c, conn := y.open(t, "p", "")
				if got := conn.Link(); got != link {
					t.Errorf("the link is a %s", got)
				}
				vanish(t, c.tcp())
				if speaks {
					y.publish(t, "p", "one", relay.Pending)
				}
				y.ended(t, relay.ErrGone)
			})
		}
	}
}

// impatient has the kernel give up on a client after some seconds.
func impatient(t *testing.T, tcp *net.TCPConn) {
	err := tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 2})
	if err != nil {
		t.Error(err)
	}
	control(t, tcp, func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 2000) })
}

// vanish makes the kernel drop whatever comes for the client's socket, before TCP sees it, by a filter (bpf(4)) that
// lets nothing pass.
func vanish(t *testing.T, tcp *net.TCPConn) {
	t.Helper()
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	control(t, tcp, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
}

// smallSendBuffer makes a socket narrow.
func smallSendBuffer(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, narrow)
}

// wasReset reports whether the client's system was told that the connection is broken. Linux keeps what came before,
// others throw it away.
func wasReset(t *testing.T, c *client) (reset bool) {
	t.Helper()
	if tcp := c.tcp(); tcp != nil {
		control(t, tcp, func(fd int) error {
			errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			reset = errno != 0
			return err
		})
	}
	return reset
}

// control calls f with the socket.
func control(t *testing.T, socket syscall.Conn, f func(fd int) error) {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		t.Error(err)
	}
	if failed != nil {
		t.Error(failed)
	}
}
