package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"sync/atomic"

	"github.com/tillbell/tillbell/transport/metrics"
)

// AdminOptions of an Admin.
type AdminOptions struct {
	// Addr is what to listen on, host:port.
	Addr    string
	Access  *Access
	Metrics *metrics.Metrics
	Log     *slog.Logger
}

// Admin is the admin listener: /metrics and /debug/pprof. On a loopback address a request's Host must be one too, so
// that no web page can reach it under a name of its own; on any other address all but /metrics needs an API key.
type Admin struct {
	opts   AdminOptions
	access atomic.Pointer[Access]
	http   *http.Server
	addr   net.Addr
	done   chan error
}

// NewAdmin returns an Admin that does not listen yet.
func NewAdmin(o AdminOptions) *Admin {
	a := &Admin{opts: o, done: make(chan error, 1)}
	a.access.Store(o.Access)
	a.http = &http.Server{
		Handler:           a.handler(),
		ReadTimeout:       requestTime,
		ReadHeaderTimeout: requestTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          httpLog(o.Log),
	}
	return a
}

// SetAccess replaces whose API keys count.
func (a *Admin) SetAccess(access *Access) { a.access.Store(access) }

// Start listens and serves.
func (a *Admin) Start(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", a.opts.Addr)
	if err != nil {
		return fmt.Errorf("admin: listen on %s: %w; set admin to another address, or to \"\" to turn it off", a.opts.Addr, listenCause(err))
	}
	a.addr = ln.Addr()
	go func() { a.done <- a.http.Serve(ln) }()
	a.opts.Log.Info("admin listening", "address", a.addr.String())
	return nil
}

// Addr returns where the admin listener is. It is nil before Start.
func (a *Admin) Addr() net.Addr { return a.addr }

// Stop closes the listener and waits for requests in flight, which are cut when ctx is done. An Admin that did not
// start has nothing to stop.
func (a *Admin) Stop(ctx context.Context) error {
	if a.addr == nil {
		return nil
	}
	err := a.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, a.http.Close())
	}
	if served := <-a.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (a *Admin) handler() http.Handler {
	open, closed := http.NewServeMux(), http.NewServeMux()
	open.Handle("GET /metrics", a.opts.Metrics.Handler())
	closed.HandleFunc("/debug/pprof/", pprof.Index)
	closed.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	closed.HandleFunc("/debug/pprof/profile", pprof.Profile)
	closed.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	closed.HandleFunc("/debug/pprof/trace", pprof.Trace)
	closed.HandleFunc("/", notFound)
	open.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !a.local() && !a.access.Load().apiKey(r) {
			NewProblem(http.StatusUnauthorized, "unauthorized", "an API key is needed, as Authorization: Bearer KEY").Write(w)
			return
		}
		closed.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.local() && !LoopbackHost(r.Host) {
			NewProblem(http.StatusForbidden, "forbidden_host", "this listener answers to localhost, 127.0.0.1 and [::1] alone").Write(w)
			return
		}
		open.ServeHTTP(w, r)
	})
}

// local reports whether only this machine can reach the listener.
func (a *Admin) local() bool {
	addr, ok := a.addr.(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// LoopbackHost reports whether the Host header names this machine: localhost or a loopback address, with any port.
func LoopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name == "localhost" {
		return true
	}
	if n := len(name); n > 1 && name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}
