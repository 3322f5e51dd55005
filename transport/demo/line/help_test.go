package line_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/transport/demo/line"
)

// server answers with what the test has its streams say.
type server struct {
	*httptest.Server
	lines *line.Lines
	drain func()
	// waits has each request that has come.
	waits chan *wait
}

// wait is a request that is answered as the test says.
type wait struct {
	request *http.Request
	says    chan string // a line to stream; closed to end
	said    chan error  // of each
}

// say streams a line.
func (w *wait) say(t *testing.T, text string) {
	t.Helper()
	w.says <- text
	if err := <-w.said; err != nil {
		t.Error(err)
	}
}

func newServer(t *testing.T) *server {
	done := make(chan struct{})
	s := &server{drain: sync.OnceFunc(func() { close(done) }), waits: make(chan *wait, 10)}
	s.lines = line.New(done)
	mux := http.NewServeMux()
	mux.Handle("/demo/line/v1/payments/{payment}/sse", http.StripPrefix("/demo/line", s.lines))
	mux.Handle("/demo/line/v1/payments/{payment}/ws", http.StripPrefix("/demo/line", s.lines))
	mux.HandleFunc("/v1/payments/{payment}/sse", s.stream)
	mux.HandleFunc("/v1/payments/{payment}/ws", echo)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.drain()
		s.Close()
		if err := s.lines.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	wait := &wait{r, make(chan string), make(chan error)}
	s.waits <- wait
	for {
		select {
		case text, ok := <-wait.says:
			if !ok {
				return
			}
			fmt.Fprintln(w, text)
			wait.said <- http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// echo answers each WebSocket message with itself.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, text, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, text) != nil {
			return
		}
	}
}

// page is one connection over the line.
type page struct {
	t    *testing.T
	conn net.Conn
	text *bufio.Reader
	wait *wait
}

// ask sends a request over the line, of which the server has not heard yet.
func (s *server) ask(t *testing.T, path string) *page {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // far from any that is tested
	fmt.Fprintf(conn, "GET /demo/line%s HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer t\r\nConnection: keep-alive\r\n\r\n", path)
	return &page{t: t, conn: conn, text: bufio.NewReader(conn)}
}

// open begins a stream over the line.
func (s *server) open(t *testing.T, payment string) *page {
	t.Helper()
	p := s.ask(t, "/v1/payments/"+payment+"/sse?after=7")
	p.wait = <-s.waits
	return p
}

// want reads the lines up to one that contains the text.
func (p *page) want(text string) {
	p.t.Helper()
	for {
		line, err := p.text.ReadString('\n')
		if err != nil {
			p.t.Fatalf("the page reads %v before %q", err, text)
		}
		if strings.Contains(line, text) {
			_, _ = p.text.Discard(len("\r\n")) // behind the chunk
			return
		}
	}
}

// wantEnd reads to the end of the response, which must be whole.
func (p *page) wantEnd() {
	p.t.Helper()
	if text, err := io.ReadAll(p.text); err != nil || !strings.HasSuffix(string(text), "0\r\n\r\n") {
		p.t.Errorf("the page reads %q, %v; want the last chunk", text, err)
	}
}

// wantNothing checks that nothing has come. The server has sent it to this machine's own other end long ago.
func (p *page) wantNothing() {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := p.text.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("the page reads %q, %v; want nothing", b, err)
	}
	_ = p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
}

func (s *server) do(t *testing.T, payment, what string, want int) {
	t.Helper()
	if n, err := s.lines.Do(payment, what); err != nil || n != want {
		t.Errorf("%s: %d connections, %v; want %d", what, n, err, want)
	}
}
