package front

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"
)

// transcript is what became of one connection: the requests that came whole to a handler, and the statuses of the answers.
type transcript struct {
	asked    []asked
	statuses []string
}

func (t transcript) add(u transcript) transcript {
	return transcript{append(t.asked, u.asked...), append(t.statuses, u.statuses...)}
}

// scripted is net/http on connections in memory whose clients say what they have to say and leave.
type scripted struct {
	conns chan net.Conn

	mu    sync.Mutex
	asked []asked
}

func newScripted(t testing.TB) *scripted {
	s := &scripted{conns: make(chan net.Conn)}
	server := &http.Server{Handler: s, DisableGeneralOptionsHandler: true, ErrorLog: quiet}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(s)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return s
}

// serve returns what becomes of a connection on which b comes in.
func (s *scripted) serve(b []byte) (all transcript) {
	if len(b) == 0 {
		return all
	}
	c := &script{in: bytes.NewReader(b), closed: make(chan struct{})}
	s.conns <- c
	<-c.closed
	all.asked, s.asked = s.asked, nil
	for _, m := range status.FindAllSubmatch(c.out.Bytes(), -1) {
		all.statuses = append(all.statuses, string(m[1]))
	}
	return all
}

var status = regexp.MustCompile(`(?m)^HTTP/1\.[01] (\d\d\d)`)

func (s *scripted) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	a, err := seen(r)
	if err != nil { // which did not come whole
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, a)
}

func (s *scripted) Accept() (net.Conn, error) {
	if c, ok := <-s.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (s *scripted) Close() error {
	close(s.conns)
	return nil
}

func (s *scripted) Addr() net.Addr { return new(net.TCPAddr) }

// script is the server's end of one connection.
type script struct {
	in     *bytes.Reader
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex
	out bytes.Buffer
}

func (c *script) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	if err == io.EOF { // as a socket says it
		return 0, io.EOF
	}
	return n, err
}

func (c *script) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

func (c *script) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *script) LocalAddr() net.Addr              { return new(net.TCPAddr) }
func (c *script) RemoteAddr() net.Addr             { return new(net.TCPAddr) }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }
