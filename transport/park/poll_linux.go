package park

import (
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller watches descriptors with an epoll of its own (epoll(7)). That epoll's descriptor is in turn watched by Go's
// runtime, so that waiting for a million clients takes one goroutine and no thread.
type poller struct {
	park   *Park
	events uint32 // that every descriptor is watched for
	file   *os.File
	raw    syscall.RawConn
	done   chan struct{}

	mu     sync.Mutex
	parked []*descriptor // by descriptor number
	number uint32        // of the descriptor that was added last
}

// descriptor is the link to a socket that was taken out of Go's runtime: a connection there costs a kilobyte more.
type descriptor struct {
	conn   *Conn
	poller *poller
	fd     int32
	number uint32 // tells it from an earlier one with the same fd, of which an event may still be under way
}

// watch returns the link to a plain socket, nil if nc is none or cannot be watched.
func (p *Park) watch(nc net.Conn, c *Conn) link {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	poller, err := p.polling()
	if err != nil {
		return nil // out of descriptors or memory: a goroutine needs neither
	}
	fd, err := duplicate(tcp)
	if err != nil {
		return nil
	}
	d := &descriptor{conn: c, poller: poller, fd: int32(fd)}
	if err := poller.add(d); err != nil {
		_ = unix.Close(fd) // the original is there
		return nil
	}
	_ = tcp.Close() // only Go's hold on it: the duplicate keeps the connection
	return d
}

// duplicate returns another descriptor for the socket, which does not block either: that belongs to the socket.
func duplicate(tcp *net.TCPConn) (fd int, err error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	ctl := raw.Control(func(s uintptr) { fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) })
	if ctl != nil {
		return 0, ctl
	}
	return fd, err
}

// polling returns the running poller.
func (p *Park) polling() (*poller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.poller != nil {
		return p.poller, nil
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	_ = unix.SetNonblock(fd, true) // so that os watches it; cannot fail on a descriptor that was just made
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close() // of no use
		return nil, err
	}
	q := &poller{park: p, events: unix.EPOLLRDHUP, file: file, raw: raw, done: make(chan struct{})}
	if p.reads {
		q.events |= unix.EPOLLIN
	}
	go q.run()
	p.poller = q
	return q, nil
}

// close ends the poller's goroutine. No descriptor is left by then.
func (q *poller) close() {
	_ = q.file.Close() // cannot fail: it is open
	<-q.done
}

// batch is how many events are fetched at once, and turn after how many of them other goroutines may run.
const (
	batch = 256
	turn  = 16
)

func (q *poller) run() {
	defer close(q.done)
	events := make([]unix.EpollEvent, batch)
	input := make([]byte, 16<<10)
	for {
		var n int
		err := q.raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0) // fails only if interrupted, and is called again
			return n > 0
		})
		if err != nil { // closed
			return
		}
		for i, ev := range events[:n] {
			if d := q.find(ev.Fd, uint32(ev.Pad)); d != nil {
				d.ready(ev.Events, input)
			}
			if i%turn == turn-1 {
				runtime.Gosched()
			}
		}
	}
}

func (q *poller) find(fd int32, number uint32) *descriptor {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.parked[fd]; d != nil && d.number == number {
		return d
	}
	return nil
}

func (q *poller) conns() []*Conn {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []*Conn
	for _, d := range q.parked {
		if d != nil {
			all = append(all, d.conn)
		}
	}
	return all
}

func (q *poller) add(d *descriptor) error {
	q.mu.Lock()
	if n := int(d.fd) + 1; n > len(q.parked) {
		q.parked = slices.Grow(q.parked, n-len(q.parked))[:n]
	}
	q.number++
	d.number = q.number
	q.parked[d.fd] = d
	q.mu.Unlock()
	err := d.control(unix.EPOLL_CTL_ADD, q.events)
	if err != nil {
		q.remove(d)
	}
	return err
}

func (q *poller) remove(d *descriptor) {
	q.mu.Lock()
	q.parked[d.fd] = nil
	q.mu.Unlock()
}

func (d *descriptor) control(op int, events uint32) (err error) {
	ev := unix.EpollEvent{Events: events, Fd: d.fd, Pad: int32(d.number)}
	if ctl := d.poller.raw.Control(func(epfd uintptr) {
		err = unix.EpollCtl(int(epfd), op, int(d.fd), &ev)
	}); ctl != nil {
		return ctl
	}
	return err
}

// ready serves an event. The descriptor may be closed until it has the connection's lock.
func (d *descriptor) ready(events uint32, input []byte) {
	switch {
	case events&(unix.EPOLLERR|unix.EPOLLHUP) != 0:
		d.conn.hungUp()
		return
	case events&unix.EPOLLOUT != 0:
		d.conn.writable()
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		d.read(events, input)
	}
}

// reads is how many times in a row one client's input is read before others get their turn.
const reads = 16

func (d *descriptor) read(events uint32, input []byte) {
	for range reads {
		n, more := d.fetch(events, input)
		if !more {
			d.conn.hungUp()
			return
		}
		if n == 0 {
			return
		}
		d.conn.received(input[:n])
	}
}

// fetch reads once, and reports whether there may be more to come.
func (d *descriptor) fetch(events uint32, input []byte) (n int, more bool) {
	c := d.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return 0, true
	}
	if events&unix.EPOLLIN == 0 { // who is not listened to and shuts its side is gone
		return 0, false
	}
	n, err := retry(func() (int, error) { return unix.Read(int(d.fd), input) })
	if err == unix.EAGAIN {
		return 0, true
	}
	return max(n, 0), err == nil && n > 0
}

func (d *descriptor) drain()   { d.watch(d.poller.events | unix.EPOLLOUT) }
func (d *descriptor) drained() { d.watch(d.poller.events) }

// watch changes what the descriptor is watched for. That cannot fail for one that is watched already.
func (d *descriptor) watch(events uint32) { _ = d.control(unix.EPOLL_CTL_MOD, events) }

func (d *descriptor) shut() {
	_ = unix.Shutdown(int(d.fd), unix.SHUT_WR) // fails if the client has gone, and then the poller says so
	d.watch(unix.EPOLLIN | unix.EPOLLRDHUP)
}

func (d *descriptor) close() {
	d.poller.remove(d)
	_ = unix.Close(int(d.fd)) // it is gone whatever that returns
}

func (d *descriptor) abort() {
	_ = unix.SetsockoptLinger(int(d.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

func (d *descriptor) write(b []byte) (int, error) {
	n, err := retry(func() (int, error) { return unix.Write(int(d.fd), b) })
	if err == unix.EAGAIN {
		return 0, nil
	}
	return max(n, 0), err
}

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
