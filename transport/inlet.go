package transport

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
)

// inlet is what connections come in by.
type inlet interface {
	// Rest returns the listener of net/http, which Shutdown of the http.Server closes.
	Rest() net.Listener
	// Shutdown lets no more connections in and waits for requests that are under way. When ctx is done it cuts them and
	// returns ctx's error.
	Shutdown(ctx context.Context) error
	// Close releases what is left, when no connection is.
	Close()
}

// plain is the inlet where net/http serves everything.
type plain struct{ listener polite }

func (l plain) Rest() net.Listener           { return l.listener }
func (plain) Shutdown(context.Context) error { return nil }
func (plain) Close()                         {}

// polite is a listener that lets others run before each connection. When thousands come back at once net/http would accept
// for as long as the scheduler lets it, and callbacks would stand behind all of them.
type polite struct{ net.Listener }

// Accept returns the next connection.
func (l polite) Accept() (net.Conn, error) {
	runtime.Gosched()
	return l.Listener.Accept()
}

// frequent reports whether requests come in such numbers that they are worth a way around net/http, and have short answers
// or leave HTTP: callbacks and the beginning of streams.
func frequent(method, path string) bool {
	switch method {
	case http.MethodPost:
		return strings.HasPrefix(path, "/v1/callbacks/")
	case http.MethodGet:
		return strings.HasPrefix(path, "/v1/payments/") && (strings.HasSuffix(path, "/sse") || strings.HasSuffix(path, "/ws"))
	}
	return false
}
