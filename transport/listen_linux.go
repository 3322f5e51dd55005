package transport

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/transport/front"
)

// A peer that vanished is found by what it does not acknowledge: a heartbeat, or a probe when nothing was written.
const (
	probeAfter   = 15 * time.Second
	probeEvery   = 15 * time.Second
	vanishedTime = 30 * time.Second
)

// listenConfig returns a ListenConfig that sets once, on the listening socket, what accepted ones inherit (tcp(7)): Go
// would make four system calls for each of them. Multipath TCP, Go's default, costs as much again for each connection, and
// a client that changes its network comes back by itself.
func listenConfig() *net.ListenConfig {
	lc := &net.ListenConfig{
		KeepAlive: -1,
		Control: func(_, _ string, c syscall.RawConn) error {
			var err error
			if ctl := c.Control(func(fd uintptr) { err = keepAlive(int(fd)) }); ctl != nil {
				return ctl
			}
			return err
		},
	}
	lc.SetMultipathTCP(false)
	return lc
}

func keepAlive(fd int) error {
	for _, o := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(probeAfter.Seconds())},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(probeEvery.Seconds())},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanishedTime.Milliseconds())},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

// open lets connections in from ln.
func (s *Server) open(ln net.Listener) inlet {
	if s.http.TLSConfig != nil { // which is net/http's to speak
		return plain{polite{ln}}
	}
	f, err := front.New(ln, front.Options{
		Handler: s.http.Handler, Takes: frequent, RequestTime: s.opts.RequestTime, IdleTime: idleTime, Log: s.log,
	})
	if err != nil { // a listener of another kind, or no descriptors
		s.log.Debug("net/http serves all", "reason", err)
		return plain{polite{ln}}
	}
	return f
}
