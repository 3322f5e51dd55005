package park_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/tillbell/tillbell/transport/transporttest"
)

// kind is one of the ways in which a connection is held.
type kind struct {
	name   string
	link   string // the link's type
	bubble bool   // it works in bubbles of testing/synctest, and is tested in one
	// listen starts the server and returns what connects to it. narrow makes the server's sockets small.
	listen func(t *testing.T, server *httptest.Server, narrow bool) func() (net.Conn, error)
}

// each runs the test on every kind of connection, for clients that have something to say and for others.
func each(t *testing.T, test func(t *testing.T, k kind, reads bool)) {
	for _, k := range slices.Concat(kinds, systemKinds) {
		for _, reads := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reads=%v", k.name, reads), func(t *testing.T) {
				if k.bubble {
					synctest.Test(t, func(t *testing.T) { test(t, k, reads) })
					return
				}
				test(t, k, reads)
			})
		}
	}
}

// kinds are those that every system has.
var kinds = []kind{
	{"tcp", plain, false, overTCP(func(tcp *net.TCPConn) net.Conn { return tcp }, false)},
	{"tcp, unknown type", "*park.blocking", false, overTCP(func(tcp *net.TCPConn) net.Conn { return hidden{tcp} }, false)},
	{"tls", "*park.blocking", false, overTCP(func(tcp *net.TCPConn) net.Conn { return tcp }, true)},
	{"pipe", "*park.blocking", true, inMemory(transporttest.NewPipe)},
	{"socket", "park.ready", true, inMemory(func() *transporttest.Pipe { return transporttest.NewSockets(4 << 10) })},
	{"straw", "park.ready", true, inMemory(func() *transporttest.Pipe { return transporttest.NewSockets(7) })},
}

// hidden is a TCP connection that a park does not recognise.
type hidden struct{ *net.TCPConn }

// narrow is what a narrow socket holds of what is written, or twice that. With much less, or with a small buffer on the
// client's side, loopback connections wait for timers of the kernel.
const narrow = 64 << 10

// wrapped is a listener that hands out what wrap makes of its connections.
type wrapped struct {
	net.Listener
	narrow bool
	wrap   func(*net.TCPConn) net.Conn
}

func (l wrapped) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp := nc.(*net.TCPConn)
	if l.narrow {
		_ = tcp.SetWriteBuffer(narrow)
	}
	return l.wrap(tcp), nil
}

func overTCP(wrap func(*net.TCPConn) net.Conn, secure bool) func(*testing.T, *httptest.Server, bool) func() (net.Conn, error) {
	return func(t *testing.T, server *httptest.Server, narrow bool) func() (net.Conn, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server.Listener = wrapped{ln, narrow, wrap}
		d := &net.Dialer{}
		if !secure {
			server.Start()
			return func() (net.Conn, error) { return d.DialContext(t.Context(), "tcp", server.Listener.Addr().String()) }
		}
		server.StartTLS()
		config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		config.NextProtos = []string{"http/1.1"}
		s := &tls.Dialer{NetDialer: d, Config: config}
		return func() (net.Conn, error) { return s.DialContext(t.Context(), "tcp", server.Listener.Addr().String()) }
	}
}

func inMemory(network func() *transporttest.Pipe) func(*testing.T, *httptest.Server, bool) func() (net.Conn, error) {
	return func(t *testing.T, server *httptest.Server, _ bool) func() (net.Conn, error) {
		p := network()
		server.Listener = p
		server.Start()
		return func() (net.Conn, error) { return p.Dial(t.Context()) }
	}
}
