//go:build linux

package site

import (
	"context"
	_ "embed"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// The page's paths at the front.
const (
	// PagePath is the page that awaits the payment of its query's payment with the ticket of its fragment, at the server
	// of its query's base if it has one. It says "asked", "status", "outcome" and "error", and "shown" for a pageshow.
	PagePath = "/checkout"
	// ElsewherePath is a page that does nothing.
	ElsewherePath = "/elsewhere"
)

//go:embed checkout.html
var checkout []byte

var elsewhere = []byte("<!doctype html>\n<meta charset=\"utf-8\">\n<title>Elsewhere</title>\n<p>The bank.</p>\n")

// front is the shop's web server.
type front struct {
	listener net.Listener
	server   *http.Server
	running  sync.WaitGroup
}

// newFront serves the page, and hands all else to the server if there is one.
func newFront(ctx context.Context, server string) (*front, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	quiet := log.New(io.Discard, "", 0) // a server that is gone is what some cells are about
	mux := http.NewServeMux()
	mux.Handle("GET "+PagePath, static(checkout))
	mux.Handle("GET "+ElsewherePath, static(elsewhere))
	if server != "" {
		mux.Handle("/", &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: server})
				r.Out.Host = r.In.Host // a WebSocket's Origin is held against it
			},
			Transport: &http.Transport{DisableCompression: true}, FlushInterval: -1, ErrorLog: quiet,
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		})
	}
	f := &front{listener: l, server: &http.Server{Handler: mux, ErrorLog: quiet}} //nolint:gosec // browsers of this machine
	f.running.Go(func() { _ = f.server.Serve(l) })
	return f, nil
}

func static(page []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	}
}

func (f *front) address() string { return f.listener.Addr().String() }

// close resets what is open. There may be no front.
func (f *front) close() error {
	if f == nil {
		return nil
	}
	err := f.server.Close()
	f.running.Wait()
	return err
}
