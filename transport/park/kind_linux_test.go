package park_test

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/front"
)

// plain is the link to a plain TCP connection.
const plain = "*park.descriptor"

// systemKinds are those that other systems do not have.
var systemKinds = []kind{{"front", plain, false, behindFront}}

// behindFront starts the server behind a front, which hands its connections out while it watches them.
func behindFront(t *testing.T, server *httptest.Server, narrow bool) func() (net.Conn, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if narrow { // the connections inherit it
		control(t, ln.(*net.TCPListener), smallSendBuffer)
	}
	f, err := front.New(ln, front.Options{
		Handler: server.Config.Handler, Takes: func(_, path string) bool { return strings.HasPrefix(path, "/") },
		RequestTime: time.Minute, IdleTime: time.Minute, Log: slog.Default(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = f.Rest()
	server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		f.Close()
	})
	return func() (net.Conn, error) { return new(net.Dialer).DialContext(t.Context(), "tcp", ln.Addr().String()) }
}
