//go:build linux

package generator

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// whose says what a descriptor of a poller belongs to.
type whose int32

const (
	ofWaiter whose = iota
	ofSender
	ofPoller // the second poller
)

// A poller is one epoll instance. It tells readiness once for each change, but that of a poller as long as it lasts.
type poller struct {
	fd     int
	events []unix.EpollEvent
}

func newPoller(batch int) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("generator: epoll: %w", err)
	}
	return &poller{fd, make([]unix.EpollEvent, batch)}, nil
}

func (p *poller) add(fd int, w whose, index int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index), Pad: int32(w)}
	if w != ofPoller {
		ev.Events |= unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("generator: epoll: add: %w", err)
	}
	return nil
}

// wait returns what is ready, after d at most. Milliseconds, which epoll_wait counts in, are too coarse for it.
func (p *poller) wait(d time.Duration) ([]unix.EpollEvent, error) {
	ts := unix.NsecToTimespec(int64(max(d, 0)))
	var n uintptr
	var errno unix.Errno
	if d <= 0 { // it does not block, so the runtime need not know
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
	switch {
	case errno == unix.ENOSYS:
		return nil, errors.New("generator: epoll: wait: needs Linux 5.11 for epoll_pwait2")
	case errno == unix.EINTR:
		return nil, nil
	case errno != 0:
		return nil, fmt.Errorf("generator: epoll: wait: %w", errno)
	}
	return p.events[:n], nil
}

func (p *poller) close() { _ = unix.Close(p.fd) }
