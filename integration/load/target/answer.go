//go:build linux

package target

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// errStatus is an answer that says no.
var errStatus = errors.New("target: not ready")

// answers asks once. It blocks in system calls of the calling thread: a goroutine that is woken would make the answer
// look later than it is. Without a path a connection counts as an answer.
func answers(address, path string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	limit := unix.Timeval{Sec: int64(startTime.Seconds())}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}); err != nil || path == "" {
		return err
	}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n"
	if _, err := unix.Write(fd, []byte(request)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	answer := make([]byte, 64)
	n, err := unix.Read(fd, answer)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if head := string(answer[:n]); !strings.HasPrefix(head, "HTTP/1.1 2") {
		return fmt.Errorf("%w: %s answers %.20q", errStatus, path, head)
	}
	return nil
}
