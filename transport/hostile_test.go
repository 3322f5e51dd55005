package transport_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// TestSlowRequests has requests that never arrive as a whole. Each connection is over when RequestTime is, or a
// second time that for what follows an answer.
func TestSlowRequests(t *testing.T) {
	key := "Authorization: Bearer " + transporttest.APIKey + "\r\n"
	for name, c := range map[string]struct {
		text, status string
		after        time.Duration
	}{
		"nothing":            {"", "", 15 * time.Second},
		"half a line":        {"GET /heal", "", 15 * time.Second},
		"half the headers":   {"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b", "", 15 * time.Second},
		"no body, PUT":       {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\n" + key + "Content-Length: 100\r\n\r\n", "408", 15 * time.Second},
		"half a body, PUT":   {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\n" + key + "Content-Length: 100\r\n\r\n{}", "408", 15 * time.Second},
		"half a chunk, POST": {"POST /v1/payments/p/events HTTP/1.1\r\nHost: x\r\n" + key + "Transfer-Encoding: chunked\r\n\r\n10\r\n{}", "408", 15 * time.Second},
		"no body, 401":       {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", "401", 15 * time.Second},
		"no body, 404":       {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", "404", 15 * time.Second},
		"no body, health":    {"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", "200", 15 * time.Second},
		"no body, feed":      {"GET /v1/events HTTP/1.1\r\nHost: x\r\n" + key + "Content-Length: 100\r\n\r\n", "400", 15 * time.Second},
		"idle":               {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200", 2 * time.Minute},
		"huge body, 401":     {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", "401", time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, transporttest.Options{})
			conn, err := s.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			begin := time.Now()
			if _, err := io.WriteString(conn, c.text); err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(conn)
			if status := strings.TrimPrefix(string(all), "HTTP/1.1 "); err != nil || !strings.HasPrefix(status, c.status) {
				t.Errorf("%s: %q, %v", name, all, err)
			}
			if took := time.Since(begin); took > c.after {
				t.Errorf("%s took %s", name, took)
			}
		})
	}
}

// TestMalformed has requests that are refused before any route sees them, and clearly.
func TestMalformed(t *testing.T) {
	s := newSite(t, transporttest.Options{Network: transporttest.TCP})
	for name, c := range map[string][2]string{
		"large header":       {"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", "431"},
		"many headers":       {"GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 10<<10) + "\r\n", "431"},
		"no host":            {"GET /healthz HTTP/1.1\r\n\r\n", "400"},
		"two hosts":          {"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
		"two lengths":        {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "400"},
		"negative length":    {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
		"unknown coding":     {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: zip\r\n\r\n", "501"},
		"line break in name": {"GET /healthz HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n", "400"},
		"folded header":      {"GET /healthz HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n", "400"},
		"TLS":                {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		"bad chunk": {"PUT /v1/payments/p HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + transporttest.APIKey +
			"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
	} {
		if got := s.raw(t, c[0]); !strings.HasPrefix(got, "HTTP/1.1 "+c[1]) {
			t.Errorf("%s: %q, want %s", name, got, c[1])
		}
	}
	s.do(t, "GET", "/healthz", "").expect(t, "afterwards", 200, "")
}

// veiled is a listener whose connections nobody recognises as those of TCP.
type veiled struct{ net.Listener }

func (v veiled) Accept() (net.Conn, error) {
	c, err := v.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return struct{ *net.TCPConn }{c.(*net.TCPConn)}, nil
}

// TestPipelined sends a second request behind that of a stream, on every kind of connection. The answer says that the
// connection closes behind the stream, and it does so without a reset, which could destroy the end.
func TestPipelined(t *testing.T) {
	for name, c := range map[string]struct {
		network transporttest.Network
		wrap    func(net.Listener) net.Listener
	}{
		"tcp":               {transporttest.TCP, nil},
		"tcp by net/http":   {transporttest.TCP, func(ln net.Listener) net.Listener { return narrow{ln} }},
		"tcp in goroutines": {transporttest.TCP, func(ln net.Listener) net.Listener { return veiled{ln} }},
		"tls":               {transporttest.TLS, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := transporttest.Options{Network: c.network}
			if c.wrap != nil {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				o.Server.Listener = c.wrap(ln)
			}
			pipelined(t, newSite(t, o))
		})
	}
}

func pipelined(t *testing.T, s site) {
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	token := s.Ticket(t, "p", time.Hour)
	both := "GET /v1/payments/p/sse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	if _, err := io.WriteString(conn, both); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	stream, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Publish(t, event("p", "paid", 1))
	if all, err := io.ReadAll(stream.Body); err != nil || !bytes.Contains(all, []byte(`"done"`)) {
		t.Errorf("%s, %v", all, err)
	}
	if !stream.Close {
		t.Error("the answer does not say that the connection closes")
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
		t.Errorf("behind the stream: %q, %v", rest, err)
	}
}

// TestHalfClosed shuts the client's write side behind the request. net/http takes that for a client that leaves.
func TestHalfClosed(t *testing.T) {
	s := newSite(t, transporttest.Options{Network: transporttest.TCP})
	for i, name := range []string{"sse", "poll"} {
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := "GET /v1/payments/p/" + name + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.Ticket(t, "p", time.Hour) + "\r\n\r\n"
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.Logged.Await(t, i+1, "code=gone")
	}
}

// narrow is a listener whose connections hold little in the kernel.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// TestManyDeaf has a thousand streams whose clients never read. They cost little, nobody else notices, and each ends.
func TestManyDeaf(t *testing.T) {
	const many = 1000
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := site{transporttest.NewSite(t, transporttest.Options{
		Network: transporttest.TCP,
		Server:  transport.Options{Listener: narrow{ln}},
		Transports: func(w *wheel.Wheel) []transport.Transport {
			return []transport.Transport{sse.New(w, sse.Options{WriteTimeout: time.Minute})}
		},
	})}
	head := "GET /v1/payments/p/sse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.Ticket(t, "p", time.Hour) + "\r\n\r\n"
	for range many {
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		if _, err := readAnswer(conn); err != nil {
			t.Fatal(err)
		}
	}
	witness, err := s.Client.Do(s.Request(t, "GET", "/v1/payments/q/sse", "", "Authorization", "Bearer "+s.Ticket(t, "q", time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	defer witness.Body.Close()
	before := heap()
	for i := range 80 { // more than is kept for a client
		e := event("p", "pending", i)
		e.ProviderStatus = strings.Repeat("x", 4<<10)
		s.Publish(t, e)
	}
	s.Publish(t, event("q", "paid", 1))
	if all, err := io.ReadAll(witness.Body); err != nil || !bytes.Contains(all, []byte(`"done"`)) {
		t.Errorf("the other client: %s, %v", all, err)
	}
	s.Logged.Await(t, many, "transport=sse payment=p code=slow")
	switch grown := (heap() - before) / many; {
	case grown > 48<<10:
		t.Errorf("%d KiB for each of %d streams that wait to be written", grown>>10, many)
	case grown < 8<<10:
		t.Errorf("%d KiB for each of %d streams: the deaf clients are gone already", grown>>10, many)
	}
	if n := s.Relay.Waiters(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
