package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/metrics"
)

// Options of a Server.
type Options struct {
	// Addr is what to listen on, host:port.
	Addr string
	// Listener is what to accept from instead of listening on Addr. Stop closes it.
	Listener net.Listener
	// CertFile and KeyFile are PEM files; both empty is plain HTTP.
	CertFile, KeyFile string
	// PublicURL is what clients reach the server by, without a trailing slash; empty makes `urls` paths.
	PublicURL string
	// TicketTTL is the life of tickets minted without an expiry, 0 is 15 min. MaxTTL bounds every wait, 0 is 24 h.
	TicketTTL, MaxTTL time.Duration
	// Retention is how long the engine keeps registrations: no payment may expire later. 0 is 72 h.
	Retention time.Duration
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// RequestTime is how long a request may take to arrive, and any answer but a stream's to be taken. 0 is 15 s.
	RequestTime time.Duration
	// Delay is how long the listener stays open, not ready, before streams end. Drain is how long after that clients are
	// given to take their end; then connections are cut. 0 leaves that to Stop's ctx.
	Delay, Drain time.Duration

	Relay      *relay.Relay
	Access     *Access
	Transports []Transport
	// KnowsSource reports whether a payment may be registered for the source.
	KnowsSource func(name string) bool
	// SourceNames returns those sources, for who names another. Nil lists none.
	SourceNames func() []string
	// Callbacks serves /v1/callbacks/{source}, and sets the deadlines of its requests and answers itself.
	Callbacks http.Handler
	// Client is the browser client as one ES module, Classic as a script for pages without modules.
	Client, Classic []byte
	// Extra serves further routes by pattern, such as the demo's. It may be empty.
	Extra map[string]http.Handler
	// Wrap is put around all routes if it is not nil.
	Wrap func(http.Handler) http.Handler

	Metrics *metrics.Metrics
	Log     *slog.Logger
}

// Server is the public listener. Start is called once, and Stop after it has returned.
type Server struct {
	opts   Options
	relay  *relay.Relay
	access atomic.Pointer[Access]
	log    *slog.Logger
	http   *http.Server
	inlet  inlet
	done   chan struct{} // closed when served is set
	served error         // why the listener was closed, if not by Stop
	addr   net.Addr
	start  time.Time // of the clock that waits begin by
	// leaving is set as soon as Stop is called: /readyz says so before anything else happens.
	leaving atomic.Bool
}

// maxHeader bounds a request's headers. A ticket is under 8 KiB, a cookie jar seldom more.
const maxHeader = 32 << 10

const (
	requestTime = 15 * time.Second // default of Options.RequestTime
	idleTime    = 2 * time.Minute  // how long a connection is kept alive between requests
)

// New returns a Server that does not listen yet.
func New(o Options) *Server {
	o.TicketTTL = cmp.Or(o.TicketTTL, 15*time.Minute)
	o.MaxTTL = cmp.Or(o.MaxTTL, 24*time.Hour)
	o.Retention = cmp.Or(o.Retention, 72*time.Hour)
	o.RequestTime = cmp.Or(o.RequestTime, requestTime)
	s := &Server{opts: o, relay: o.Relay, log: o.Log, done: make(chan struct{}), start: time.Now()}
	s.access.Store(o.Access)
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: o.RequestTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          httpLog(o.Log),
		// The handler answers OPTIONS * like any other path that is not there.
		DisableGeneralOptionsHandler: true,
		// There is no WriteTimeout: it would end every stream. Each write has a deadline of its own instead.
	}
	return s
}

// SetAccess replaces who may do what, for requests from this moment on.
func (s *Server) SetAccess(a *Access) { s.access.Store(a) }

// Start listens and serves. What keeps it from that is an error here, not later.
func (s *Server) Start(ctx context.Context) error {
	if s.opts.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.opts.CertFile, s.opts.KeyFile)
		if err != nil {
			return fmt.Errorf("transport: read certificate: %w", err)
		}
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	ln := s.opts.Listener
	if ln == nil {
		var err error
		if ln, err = listenConfig().Listen(ctx, "tcp", s.opts.Addr); err != nil {
			return fmt.Errorf("transport: listen on %s: %w; set listen (--listen, TILLBELL_LISTEN or PORT) to another address",
				s.opts.Addr, listenCause(err))
		}
	}
	s.addr, s.inlet = ln.Addr(), s.open(ln)
	go func() {
		defer close(s.done)
		s.served = s.serve(s.inlet.Rest())
	}()
	s.log.Info("listening", "address", s.addr.String(), "tls", s.opts.CertFile != "")
	return nil
}

// listenCause returns why nothing can listen, without the address, which the caller names.
func listenCause(err error) error {
	if op := new(net.OpError); errors.As(err, &op) {
		return op.Err
	}
	return err
}

func (s *Server) serve(ln net.Listener) error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(ln, "", "")
	} else {
		err = s.http.Serve(ln)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	s.log.Error("not listening any more", "error", err)
	return fmt.Errorf("transport: serve: %w", err)
}

// Done is closed when the server does not listen any more, because it was stopped or because it cannot.
func (s *Server) Done() <-chan struct{} { return s.done }

// Addr returns where the server listens. It is nil before Start.
func (s *Server) Addr() net.Addr { return s.addr }

// Stop drains: /readyz fails at once; after Delay every wait is told to come back; when those that were told have
// gone, the listener closes, and what is in flight is finished. Callbacks are answered until the listener closes. When
// ctx is done first, what is left is cut. A Server that did not start has nothing to stop.
func (s *Server) Stop(ctx context.Context) error {
	if s.addr == nil {
		return nil
	}
	s.leaving.Store(true)
	delay := time.NewTimer(s.opts.Delay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-ctx.Done():
	}
	s.log.Info("draining", "waiters", s.relay.Waiters())
	s.relay.Drain()
	if s.opts.Drain == 0 {
		return s.drain(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, s.opts.Drain)
	defer cancel()
	err := s.drain(limited)
	if limited.Err() != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("clients that did not leave in time were cut", "drain", s.opts.Drain, "reason", err)
		return nil
	}
	return err
}

// drain closes what the relay has ended, and cuts it when ctx is done.
func (s *Server) drain(ctx context.Context) error {
	errs := []error{s.stopTransports(ctx), s.inlet.Shutdown(ctx)}
	defer s.inlet.Close()
	if err := s.http.Shutdown(ctx); err != nil {
		errs = append(errs, fmt.Errorf("transport: stop: %w", err), s.http.Close())
	}
	errs = append(errs, s.stopTransports(ctx)) // who came before the listener closed was told to come back too
	<-s.done
	return errors.Join(append(errs, s.served)...)
}

func (s *Server) stopTransports(ctx context.Context) error {
	var errs []error
	for _, t := range s.opts.Transports {
		errs = append(errs, t.Stop(ctx))
	}
	return errors.Join(errs...)
}
