package network

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/tillbell/tillbell/integration/harness"
)

// faulty is a reverse proxy of this package with a fault.
func faulty(f fault) func(context.Context, string, string) (stage, error) {
	return func(ctx context.Context, server, _ string) (stage, error) {
		p := newProxy(server, f)
		address, err := p.listen(ctx)
		if err != nil {
			return stage{}, err
		}
		p.running.Go(func() { _ = p.http.Serve(p.listener) })
		return stage{address: address, closer: p}, nil
	}
}

// http2 is a reverse proxy without a fault that speaks HTTP/2 to the browser. It has no extended CONNECT (RFC 8441), so
// that a WebSocket is a connection of its own over HTTP/1.1.
func http2(ctx context.Context, server, dir string) (stage, error) {
	if _, err := harness.NewCertificate(dir); err != nil {
		return stage{}, err
	}
	p := newProxy(server, fault{})
	address, err := p.listen(ctx)
	if err != nil {
		return stage{}, err
	}
	p.running.Go(func() {
		_ = p.http.ServeTLS(p.listener, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	})
	return stage{address: address, tls: true, closer: p}, nil
}

// A proxy is an HTTP server that asks another.
type proxy struct {
	http      *http.Server
	listener  net.Listener
	transport *http.Transport
	cancel    context.CancelFunc // ends every request, upgraded or not
	running   sync.WaitGroup     // what serves, and every request

	mu     sync.Mutex
	closed bool
}

func newProxy(server string, f fault) *proxy {
	quiet := log.New(io.Discard, "", 0) // connections are cut all the time
	p := &proxy{transport: &http.Transport{DisableCompression: true}}
	reverse := &httputil.ReverseProxy{
		Transport: spoiler{f, p.transport}, ErrorLog: quiet,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: server})
			r.Out.Host = r.In.Host // a WebSocket's Origin is held against it
			if f.blind {
				r.Out.Header.Del("Connection")
				r.Out.Header.Del("Upgrade")
			}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.http = &http.Server{
		ErrorLog: quiet, BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p.begin() {
				defer p.running.Done()
				reverse.ServeHTTP(w, r)
			}
		}),
	}
	return p
}

// begin counts a request, unless the proxy is closed.
func (p *proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Add(1)
	}
	return !p.closed
}

func (p *proxy) listen(ctx context.Context) (address string, err error) {
	p.listener, err = new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return p.listener.Addr().String(), nil
}

// Close ends the server and every request, and waits for them.
func (p *proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	err := p.http.Close()
	if e := p.listener.Close(); !errors.Is(e, net.ErrClosed) { // where the server has not begun to serve
		err = errors.Join(err, e)
	}
	p.running.Wait()
	p.transport.CloseIdleConnections()
	return err
}
