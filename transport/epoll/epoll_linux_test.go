package epoll_test

import (
	"bytes"
	"io"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/transport/epoll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a Handler whose events somebody reads.
type told chan uint32

func (h told) Ready(events uint32, room []byte) {
	if len(room) < 4<<10 {
		panic("no room")
	}
	h <- events
}

// silent is a Handler that must not be called.
type silent struct{ t testing.TB }

func (h silent) Ready(events uint32, _ []byte) { h.t.Errorf("events %#x", events) }

func newPoller(t testing.TB) *epoll.Poller {
	t.Helper()
	p, err := epoll.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// pair returns two connected sockets that do not block. The second is closed when the test ends.
func pair(t testing.TB) (ours int, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[1]), "theirs")
	t.Cleanup(func() { f.Close() })
	return fds[0], f
}

func add(t testing.TB, p *epoll.Poller, fd int, events uint32, h epoll.Handler) epoll.Descriptor {
	t.Helper()
	d, err := p.Add(fd, events, h)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func say(t testing.TB, f *os.File, text string) {
	t.Helper()
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
}

// TestEvents goes through what a descriptor is told of.
func TestEvents(t *testing.T) {
	p := newPoller(t)
	fd, theirs := pair(t)
	h := make(told, 64)
	d := add(t, p, fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLET, h)
	if d.FD() != fd {
		t.Errorf("descriptor %d, want %d", d.FD(), fd)
	}
	b := make([]byte, 8)
	if n, eof := d.Read(b); n != 0 || eof {
		t.Errorf("nothing to read: %d, %t", n, eof)
	}
	for range 3 { // each change is told of, whether it was read or not
		say(t, theirs, "four")
		if events := <-h; events != unix.EPOLLIN {
			t.Errorf("events %#x", events)
		}
	}
	if n, eof := d.Read(b); n != 8 || eof {
		t.Errorf("read: %d, %t", n, eof)
	}
	if n, eof := d.Read(b); n != 4 || eof || string(b[:n]) != "four" {
		t.Errorf("read: %q, %t", b[:n], eof)
	}
	d.Watch(unix.EPOLLOUT | unix.EPOLLET)
	if events := <-h; events != unix.EPOLLOUT {
		t.Errorf("events %#x", events)
	}
	if n, err := d.Write([]byte("back")); n != 4 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	d.CloseWrite()
	if all, err := io.ReadAll(theirs); err != nil || string(all) != "back" {
		t.Errorf("%q, %v", all, err)
	}
	d.Watch(unix.EPOLLRDHUP | unix.EPOLLET)
	theirs.Close()
	for events := uint32(0); events&(unix.EPOLLRDHUP|unix.EPOLLHUP) == 0; {
		events = <-h
	}
	if n, eof := d.Read(b); n != 0 || !eof {
		t.Errorf("the end: %d, %t", n, eof)
	}
	d.Close()
}

// TestWriteFull fills a socket whose peer does not read, and then loses the peer.
func TestWriteFull(t *testing.T) {
	p := newPoller(t)
	fd, theirs := pair(t)
	d := add(t, p, fd, unix.EPOLLET, make(told, 64)) // hang-ups are always told of
	defer d.Close()
	for b := bytes.Repeat([]byte("a"), 1<<16); ; {
		n, err := d.Write(b)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	d.Cut()
	if n, err := d.Write([]byte("a")); n != 0 || err == nil {
		t.Errorf("write after the cut: %d, %v", n, err)
	}
	theirs.Close()
}

// TestHand gives a descriptor to another Handler, to which it belongs from then on.
func TestHand(t *testing.T) {
	p := newPoller(t)
	fd, theirs := pair(t)
	first, second := make(told, 64), make(told, 64)
	d := add(t, p, fd, unix.EPOLLIN|unix.EPOLLET, first)
	defer d.Close()
	say(t, theirs, "a")
	<-first
	d.Hand(second)
	d.Watch(unix.EPOLLIN | unix.EPOLLET) // tells of what is there already
	<-second
	say(t, theirs, "a")
	<-second
	if n := len(first); n != 0 {
		t.Errorf("the first Handler is told of %d events more", n)
	}
}

// TestRelease stops watching, and leaves the descriptor open.
func TestRelease(t *testing.T) {
	p := newPoller(t)
	fd, theirs := pair(t)
	d := add(t, p, fd, unix.EPOLLIN, silent{t})
	d.Release()
	say(t, theirs, "a")
	fence(t, p)
	h := make(told, 1)
	d = add(t, p, fd, unix.EPOLLIN|unix.EPOLLET, h)
	<-h
	d.Close()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("after Close: %v", err)
	}
}

// fence returns when p has fetched all events that were there when it was called.
func fence(t testing.TB, p *epoll.Poller) {
	t.Helper()
	fd, theirs := pair(t)
	h := make(told, 64)
	d := add(t, p, fd, unix.EPOLLIN|unix.EPOLLET, h)
	say(t, theirs, "a")
	<-h
	d.Close()
}

// TestReused closes a descriptor of which an event is under way, and opens another of the same number. The event is not
// the new one's.
func TestReused(t *testing.T) {
	p := newPoller(t)
	gate := make(blocking)
	fd, theirs := pair(t)
	d := add(t, p, fd, unix.EPOLLIN|unix.EPOLLET, gate)
	defer d.Close()
	const many = 32
	var before []epoll.Descriptor
	var peers []*os.File
	for range many {
		fd, peer := pair(t)
		before, peers = append(before, add(t, p, fd, unix.EPOLLIN|unix.EPOLLET, silent{t})), append(peers, peer)
	}
	say(t, theirs, "a")
	<-gate // the poller is held
	say(t, theirs, "a")
	for _, peer := range peers {
		say(t, peer, "a")
	}
	gate <- struct{}{}
	<-gate // the poller has fetched all of them, and is held in the first
	h := make(told, many)
	var after []epoll.Descriptor
	for _, d := range before {
		d.Close()
		fd, _ := pair(t)
		if fd != d.FD() {
			if err := unix.Dup3(fd, d.FD(), unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			unix.Close(fd)
		}
		after = append(after, add(t, p, d.FD(), unix.EPOLLIN|unix.EPOLLET, h))
	}
	gate <- struct{}{}
	fence(t, p)
	if n := len(h); n != 0 {
		t.Errorf("%d events of those who had the numbers before", n)
	}
	for _, d := range after {
		d.Close()
	}
}

// blocking is a Handler that waits to be let go.
type blocking chan struct{}

func (h blocking) Ready(uint32, []byte) {
	h <- struct{}{}
	<-h
}

// TestAddFails adds what cannot be watched.
func TestAddFails(t *testing.T) {
	p := newPoller(t)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	number := int(f.Fd())
	f.Close()
	for name, fd := range map[string]int{"closed": number, "a file": int(file.Fd())} {
		if _, err := p.Add(fd, unix.EPOLLIN, silent{t}); err == nil {
			t.Errorf("%s can be watched", name)
		}
	}
	q, err := epoll.New()
	if err != nil {
		t.Fatal(err)
	}
	fd, _ := pair(t)
	defer unix.Close(fd)
	d := add(t, q, fd, unix.EPOLLIN, silent{t})
	q.Close()
	d.Watch(unix.EPOLLOUT) // of which nothing comes
	d.Release()
	if _, err := q.Add(fd, unix.EPOLLIN, silent{t}); err == nil {
		t.Error("a closed poller watches")
	}
}

// TestMany has more descriptors than are fetched at once, each told of everything, while others come and go.
func TestMany(t *testing.T) {
	const many, rounds = 500, 20
	p := newPoller(t)
	var all sync.WaitGroup
	for range many {
		fd, theirs := pair(t)
		h := make(told, rounds)
		d := add(t, p, fd, unix.EPOLLIN|unix.EPOLLET, h)
		all.Go(func() {
			defer d.Close()
			b := make([]byte, rounds)
			for range rounds {
				say(t, theirs, "a")
				<-h
				if n, eof := d.Read(b); n != 1 || eof {
					t.Errorf("read: %d, %t", n, eof)
				}
			}
		})
	}
	all.Wait()
}
