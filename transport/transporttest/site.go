package transporttest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/ticket"
)

// APIKey is a Site's.
const APIKey = "transporttest-api-key-0123456789"

// Host is what a Site in memory is reached by.
const Host = "tillbell.test"

// Network is what a Site listens on.
type Network int

// The networks.
const (
	Pipes   Network = iota // in memory and without buffers, for synctest; parked, each has goroutines
	Sockets                // in memory with a few kilobytes each way, for synctest; parked, none has a goroutine
	Straws                 // Sockets that hold seven bytes: every frame is cut, and no Write takes all of it
	TCP                    // plain, on the loopback interface
	TLS                    // the same with a certificate, hence with HTTP/2
)

// rooms are how much the connections in memory hold each way.
var rooms = map[Network]int{Sockets: 4 << 10, Straws: 7}

// Options of a Site. The zero value works.
type Options struct {
	Network    Network
	Transports func(*wheel.Wheel) []transport.Transport
	Relay      relay.Options
	// Server's zero fields are filled.
	Server transport.Options
	// Origins are cors.origins.
	Origins []string
}

// Site is a public listener on a memory engine, with clients.
type Site struct {
	Engine  *Engine
	Relay   *relay.Relay
	Server  *transport.Server
	Metrics *metrics.Metrics
	Logged  *Log
	Logger  *slog.Logger // writes to Logged
	// URL has no trailing slash.
	URL string
	// Client follows no redirects and keeps no cookies. Its connections may be HTTP/2 where the Site has TLS.
	Client *http.Client
	// Dial connects below HTTP, within TLS where the Site has it.
	Dial func(context.Context) (net.Conn, error)

	keys *ticket.Keys
	mu   sync.Mutex
	used []string // secrets that must not be logged
	stop sync.Once
}

// NewSite returns a running Site. When the test ends it is stopped, and what it logged must hold no ticket and no API
// key.
func NewSite(t testing.TB, o Options) *Site {
	t.Helper()
	keys, err := ticket.New(ticket.Options{Secret: "transporttest-secret-of-32-bytes-or-more"})
	if err != nil {
		t.Fatal(err)
	}
	memory := memory.New(memory.Options{})
	s := &Site{Engine: &Engine{Engine: memory}, Metrics: metrics.New(), Logged: new(Log), keys: keys, used: []string{APIKey}}
	w := wheel.New()
	level := slog.LevelDebug
	if _, ok := t.(*testing.B); ok { // measures what is served, and production logs no more
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(s.Logged, &slog.HandlerOptions{Level: level}))
	o.Relay.Log = log
	s.Logger = log
	s.Relay = relay.New(s.Engine, w, o.Relay)
	if err := s.Relay.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	so := o.Server
	so.Relay, so.Log, so.Metrics = s.Relay, log, s.Metrics
	if o.Transports != nil {
		so.Transports = o.Transports(w)
	}
	if so.Callbacks == nil {
		so.Callbacks = http.NotFoundHandler()
	}
	if so.KnowsSource == nil {
		so.KnowsSource = func(name string) bool { return name == "shop" }
	}
	so.Access = s.Access(o.Origins, so.PublicURL)
	s.listen(t, o.Network, &so)
	s.Server = transport.New(so)
	if err := s.Server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		s.Client.CloseIdleConnections()
		if err := s.Relay.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		w.Stop()
		_ = memory.Close() // never fails
		s.checkLog(t)
	})
	if o.Network == TCP || o.Network == TLS {
		s.reach(o.Network)
	}
	return s
}

// Access returns who may do what on a Site, for other origins than it was made with.
func (s *Site) Access(origins []string, publicURL string) *transport.Access {
	return transport.NewAccess([]string{APIKey}, s.keys, origins, publicURL)
}

// listen prepares so for the network.
func (s *Site) listen(t testing.TB, n Network, so *transport.Options) {
	hop := &http.Transport{DisableCompression: true}
	s.Client = &http.Client{Transport: hop, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	switch n {
	case Pipes, Sockets, Straws:
		p := NewPipe()
		if n != Pipes {
			p = NewSockets(rooms[n])
		}
		so.Listener, s.URL, s.Dial = p, "http://"+Host, p.Dial
		hop.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return p.Dial(ctx) }
	case TCP:
		so.Addr = cmp.Or(so.Addr, "127.0.0.1:0")
	case TLS:
		so.Addr = cmp.Or(so.Addr, "127.0.0.1:0")
		var cert []byte
		so.CertFile, so.KeyFile, cert = certificate(t)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(cert)
		hop.TLSClientConfig = &tls.Config{RootCAs: roots}
		hop.ForceAttemptHTTP2 = true
	}
}

// reach says how a Site with an address of its own is reached.
func (s *Site) reach(n Network) {
	address := s.Server.Addr().String()
	if n == TLS {
		s.URL = "https://" + address
		config := s.Client.Transport.(*http.Transport).TLSClientConfig.Clone()
		config.NextProtos = []string{"http/1.1"}
		d := &tls.Dialer{Config: config}
		s.Dial = func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
		return
	}
	s.URL = "http://" + address
	s.Dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

// Stop stops the Site's server with 10 s to drain. It does so once, however often it is called.
func (s *Site) Stop(t testing.TB) {
	s.stop.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Server.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

// Ticket returns a ticket for the payment that lives for life; less than nothing makes one that has expired.
func (s *Site) Ticket(t testing.TB, payment string, life time.Duration) string {
	t.Helper()
	now := time.Now()
	token, err := s.keys.Mint(payment, now.Add(life), now.Add(min(0, life-time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	s.Secret(token)
	return token
}

// Secret adds to what must not be logged.
func (s *Site) Secret(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = append(s.used, text)
}

// checkLog looks for secrets, whole and in parts: the signature alone is too much.
func (s *Site) checkLog(t testing.TB) {
	t.Helper()
	logged := s.Logged.String()
	for _, secret := range s.used {
		for part := range strings.SplitSeq(secret, ".") {
			if len(part) > 15 && !strings.HasPrefix(part, "eyJhbGciOi") && strings.Contains(logged, part) {
				t.Errorf("a secret was logged:\n%s", logged)
			}
		}
	}
}

// Publish stores e, whose source is shop unless it says another.
func (s *Site) Publish(t testing.TB, e relay.Event) relay.Position {
	t.Helper()
	e.Source = cmp.Or(e.Source, "shop")
	receipt, err := s.Relay.Publish(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Position
}

// Do sends the request and returns the answer with its whole body.
func (s *Site) Do(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// Request returns a request to the Site. header alternates names and values.
func (s *Site) Request(t testing.TB, method, path, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// Scrape returns the metrics in Prometheus' text format.
func (s *Site) Scrape(t testing.TB) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Metrics.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return w.Body.String()
}
