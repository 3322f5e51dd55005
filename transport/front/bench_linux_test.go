package front

import (
	"net"
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkIdle opens connections that are kept, and reports what each takes of the heap and how many allocations it
// makes: of clients that have said nothing, of those that have asked once, and of those that net/http has.
func BenchmarkIdle(b *testing.B) {
	for name, text := range map[string]string{"silent": "", "asked": post, "net/http": cold} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, Options{})
			idle(b, s.addr, text) // workers and pools
			before := inUse()
			const many = 2000
			var all []int
			for b.Loop() {
				for range many {
					all = append(all, idle(b, s.addr, text))
				}
				b.StopTimer()
				if text == "" {
					s.awaitClients(many)
				}
				b.ReportMetric(float64(inUse()-before)/many, "heap-B/conn")
				for _, fd := range all {
					unix.Close(fd)
				}
				all = all[:0]
				s.awaitClients(0)
				b.StartTimer()
			}
		})
	}
}

// awaitClients returns when n clients, or more, are here, and if n is 0 when none is but the first.
func (s *site) awaitClients(n int) {
	for {
		if here := len(s.all()); n != 0 && here >= n || n == 0 && here <= 1 {
			return
		}
		runtime.Gosched()
	}
}

// idle returns the descriptor of a client that has got its answer. It takes nothing of the heap.
func idle(b *testing.B, addr, text string) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	to := netip.MustParseAddrPort(addr)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		b.Fatal(err)
	}
	if text == "" {
		return fd
	}
	var answer [1 << 10]byte
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		b.Fatal(err)
	}
	if _, err := unix.Read(fd, answer[:]); err != nil {
		b.Fatal(err)
	}
	return fd
}

// inUse returns the bytes of heap and stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkParse reads a callback as providers send it.
func BenchmarkParse(b *testing.B) {
	text := []byte("POST /hot/erp HTTP/1.1\r\nHost: pay.shop.example\r\nUser-Agent: provider/1.0\r\nContent-Length: 200\r\n" +
		"Content-Type: application/json\r\nWebhook-Id: msg_2KWPBgLlAfxdpx2AI54pPJ85f4W\r\nWebhook-Timestamp: 1795334400\r\n" +
		"Webhook-Signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=\r\nAccept-Encoding: gzip\r\n\r\n")
	text = append(text, make([]byte, 200)...)
	x := new(exchange)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, v := x.parse(text, hot); v != whole {
			b.Fatal(v)
		}
		x.end()
	}
}

// BenchmarkAnswer asks over one connection, with the client's share.
func BenchmarkAnswer(b *testing.B) {
	s := newSite(b, Options{})
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	ask, answer := []byte(post), make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nc.Write(ask); err != nil {
			b.Fatal(err)
		}
		if _, err := nc.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
