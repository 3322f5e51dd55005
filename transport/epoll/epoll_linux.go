// Package epoll watches very many descriptors from one goroutine, beside Go's runtime, which spends a goroutine and some
// hundred bytes on each (epoll(7)). The epoll's own descriptor is watched by the runtime in turn, so that waiting takes
// no thread.
package epoll

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Handler is told what happens to its descriptor.
type Handler interface {
	// Ready is called by the poller's goroutine, hence never at the same time, with the events of epoll_ctl(2) and room
	// for reading that is anybody's during the call. It must not block. A call that was under way when the descriptor
	// was closed or given to another Handler may still come.
	Ready(events uint32, room []byte)
}

// Poller watches descriptors. Its methods may be called at the same time.
type Poller struct {
	file *os.File
	raw  syscall.RawConn
	done chan struct{}

	mu     sync.Mutex
	slots  []slot // by descriptor
	number uint32 // of the descriptor that was added last
}

// slot is a descriptor that is watched.
type slot struct {
	handler Handler // nil if none is
	number  uint32  // tells it from an earlier one, of which an event may still be under way
}

// Descriptor is one that is watched, and its owner's to close.
type Descriptor struct {
	poller *Poller
	fd     int32
	number uint32
}

// New returns a running Poller. Close releases it.
func New() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: create: %w", err)
	}
	_ = unix.SetNonblock(fd, true) // so that os watches it; cannot fail on a descriptor that was just made
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close() // of no use
		return nil, fmt.Errorf("epoll: create: %w", err)
	}
	p := &Poller{file: file, raw: raw, done: make(chan struct{})}
	go p.run()
	return p, nil
}

// Close ends the poller's goroutine. No Handler is called afterwards; descriptors stay open.
func (p *Poller) Close() {
	_ = p.file.Close() // cannot fail: it is open
	<-p.done
}

// Duplicate returns another descriptor for c's socket, which is the caller's to close. Whether it blocks belongs to the
// socket: those of package net do not.
func Duplicate(c syscall.Conn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("epoll: duplicate: %w", err)
	}
	if ctl := raw.Control(func(s uintptr) { fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) }); ctl != nil {
		err = ctl
	}
	if err != nil {
		return 0, fmt.Errorf("epoll: duplicate: %w", err)
	}
	return fd, nil
}

// batch is how many events are fetched at once, turn after how many of them other goroutines may run, and room how much
// can be read at once.
const (
	batch = 128
	turn  = 16
	room  = 32 << 10
)

func (p *Poller) run() {
	defer close(p.done)
	events := make([]unix.EpollEvent, batch)
	b := make([]byte, room)
	for {
		var n int
		err := p.raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0) // fails only if interrupted, and is called again
			return n > 0
		})
		if err != nil { // closed
			return
		}
		for i, ev := range events[:n] {
			if h := p.find(ev.Fd, uint32(ev.Pad)); h != nil {
				h.Ready(ev.Events, b)
			}
			if i%turn == turn-1 {
				runtime.Gosched()
			}
		}
	}
}

func (p *Poller) find(fd int32, number uint32) Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.slots[fd]; s.number == number {
		return s.handler
	}
	return nil
}

// Add watches fd, which must not block, for the events, and has h told of them from now on.
func (p *Poller) Add(fd int, events uint32, h Handler) (Descriptor, error) {
	p.mu.Lock()
	if n := fd + 1; n > len(p.slots) {
		p.slots = slices.Grow(p.slots, n-len(p.slots))[:n]
	}
	p.number++
	d := Descriptor{p, int32(fd), p.number}
	p.slots[fd] = slot{h, p.number}
	p.mu.Unlock()
	if err := d.control(unix.EPOLL_CTL_ADD, events); err != nil {
		p.forget(d)
		return Descriptor{}, fmt.Errorf("epoll: add: %w", err)
	}
	return d, nil
}

func (p *Poller) forget(d Descriptor) {
	p.mu.Lock()
	p.slots[d.fd] = slot{}
	p.mu.Unlock()
}

func (d Descriptor) control(op int, events uint32) (err error) {
	ev := unix.EpollEvent{Events: events, Fd: d.fd, Pad: int32(d.number)}
	if ctl := d.poller.raw.Control(func(epfd uintptr) {
		err = unix.EpollCtl(int(epfd), op, int(d.fd), &ev)
	}); ctl != nil {
		return ctl
	}
	return err
}

// FD returns the descriptor's number.
func (d Descriptor) FD() int { return int(d.fd) }

// Watch changes the events. That cannot fail for a descriptor that is open.
func (d Descriptor) Watch(events uint32) { _ = d.control(unix.EPOLL_CTL_MOD, events) }

// Hand gives the descriptor to another Handler.
func (d Descriptor) Hand(h Handler) {
	d.poller.mu.Lock()
	d.poller.slots[d.fd].handler = h
	d.poller.mu.Unlock()
}

// Release stops watching and leaves the descriptor open.
func (d Descriptor) Release() {
	_ = d.control(unix.EPOLL_CTL_DEL, 0) // it is watched
	d.poller.forget(d)
}

// Close closes the descriptor, once.
func (d Descriptor) Close() {
	d.poller.forget(d)
	_ = unix.Close(int(d.fd)) // it is gone whatever that returns
}

// Read reads what is there; n 0 is nothing yet, and eof says that nothing more comes.
func (d Descriptor) Read(b []byte) (n int, eof bool) {
	n, err := retry(func() (int, error) { return unix.Read(int(d.fd), b) })
	if errors.Is(err, unix.EAGAIN) {
		return 0, false
	}
	return max(n, 0), err != nil || n <= 0
}

// Write writes what there is room for.
func (d Descriptor) Write(b []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Write(int(d.fd), b) })
	if errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}

// CloseWrite ends the writing side. It fails if the peer has gone, of which the Handler is told.
func (d Descriptor) CloseWrite() { _ = unix.Shutdown(int(d.fd), unix.SHUT_WR) }

// Cut ends both sides and leaves the descriptor open.
func (d Descriptor) Cut() { _ = unix.Shutdown(int(d.fd), unix.SHUT_RDWR) }

// Abort makes Close reset the connection and drop what the socket holds.
func (d Descriptor) Abort() {
	_ = unix.SetsockoptLinger(int(d.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
