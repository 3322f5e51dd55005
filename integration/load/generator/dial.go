//go:build linux

package generator

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// perSource is how many waiters come from one source address. connect(2) looks through all ports of one parity before
// it tries any of the other, so that it becomes slow beyond half of the kernel's default range of 28 232 ports.
const perSource = 10_000

// source returns where the waiter connects from: 127.0.1.1 and up.
func source(waiter int) netip.Addr {
	n := 1<<8 | 1 + waiter/perSource
	return netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)})
}

// dial starts to connect a socket that does not block. An invalid from lets the kernel choose. Closing the socket
// resets the connection, so that no port is left waiting (TIME_WAIT).
func dial(from netip.Addr, to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return -1, fmt.Errorf("linger: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, fmt.Errorf("nodelay: %w", err)
	}
	if from.IsValid() {
		if err := shareports(fd); err != nil {
			return -1, err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
			return -1, fmt.Errorf("bind: %w", err)
		}
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// shareports leaves the choice of the port to connect(2), which knows the other address: two connections of one port
// may differ in that alone.
func shareports(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// pending returns the error that a socket has, nil if none.
func pending(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && n != 0 {
		return unix.Errno(n)
	}
	return err
}
