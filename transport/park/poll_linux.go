package park

import (
	"net"
	"net/http"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/transport/epoll"
)

// poller watches what was taken out of Go's runtime: a connection there costs a kilobyte more.
type poller = epoll.Poller

// descriptor is the link to a socket that does not block.
type descriptor struct {
	epoll.Descriptor
	conn *Conn
}

// watched is a descriptor that is watched already.
type watched = epoll.Descriptor

// takeWatched takes w's connection over if its descriptor is watched, as package front's are.
func takeWatched(w http.ResponseWriter) (Connection, bool) {
	taker, ok := w.(interface {
		Take() (epoll.Descriptor, []byte)
	})
	if !ok {
		return Connection{}, false
	}
	d, input := taker.Take()
	return Connection{watched: d, input: input}, true
}

// watch returns the link to a plain socket, nil if the connection is none or cannot be watched.
func (p *Park) watch(conn Connection, c *Conn) link {
	d := &descriptor{conn: c}
	if conn.conn == nil {
		d.Descriptor = conn.watched
		d.Hand(d)
		d.Watch(p.events())
		return d
	}
	tcp := plain(conn.conn)
	if tcp == nil {
		return nil
	}
	poller, err := p.polling()
	if err != nil {
		return nil // out of descriptors or memory: a goroutine needs neither
	}
	fd, err := epoll.Duplicate(tcp)
	if err != nil {
		return nil
	}
	if d.Descriptor, err = poller.Add(fd, p.events(), d); err != nil {
		_ = unix.Close(fd) // the original is there
		return nil
	}
	_ = tcp.Close() // only Go's hold on it: the duplicate keeps the connection
	return d
}

// plain returns the TCP connection that nc is, nil if it is something else or more.
func plain(nc net.Conn) *net.TCPConn {
	switch nc := nc.(type) {
	case *net.TCPConn:
		return nc
	case interface{ TCP() *net.TCPConn }:
		return nc.TCP()
	}
	return nil
}

// polling returns the running poller.
func (p *Park) polling() (*poller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.poller == nil {
		var err error
		if p.poller, err = epoll.New(); err != nil {
			return nil, err
		}
	}
	return p.poller, nil
}

// events are what an idle client is watched for.
func (p *Park) events() uint32 {
	if p.reads {
		return unix.EPOLLRDHUP | unix.EPOLLIN
	}
	return unix.EPOLLRDHUP
}

// Ready serves an event.
func (d *descriptor) Ready(events uint32, room []byte) {
	switch {
	case events&(unix.EPOLLERR|unix.EPOLLHUP) != 0:
		d.conn.hungUp()
		return
	case events&unix.EPOLLOUT != 0:
		d.conn.writable()
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		d.listen(events&unix.EPOLLIN != 0, room)
	}
}

// reads is how many times in a row one client's input is read before others get their turn.
const reads = 16

// listen takes input. Who is not listened to, and shuts his side, is gone.
func (d *descriptor) listen(input bool, room []byte) {
	for range reads {
		n, eof := 0, true
		if input {
			n, eof = d.fetch(room)
		}
		if eof {
			d.conn.hungUp()
			return
		}
		if n == 0 {
			return
		}
		d.conn.received(room[:n])
	}
}

// fetch reads once, unless the descriptor was closed meanwhile.
func (d *descriptor) fetch(room []byte) (n int, eof bool) {
	d.conn.mu.Lock()
	defer d.conn.mu.Unlock()
	if d.conn.state == closed {
		return 0, false
	}
	return d.Read(room)
}

func (d *descriptor) write(b []byte) (int, error) { return d.Write(b) }

func (d *descriptor) drain()   { d.Watch(d.conn.park.events() | unix.EPOLLOUT) }
func (d *descriptor) drained() { d.Watch(d.conn.park.events()) }

func (d *descriptor) shut() {
	d.CloseWrite()
	d.Watch(unix.EPOLLIN | unix.EPOLLRDHUP)
}

func (d *descriptor) close() { d.Close() }
func (d *descriptor) abort() { d.Abort() }
