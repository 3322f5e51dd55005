package paypal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// nobody returns a dialer that must not be called.
func nobody(t testing.TB) paypal.Dial {
	return func(_ context.Context, _, address string) (net.Conn, error) {
		t.Errorf("connected to %s", address)
		return nil, net.ErrClosed
	}
}

// site is PayPal's host, with TLS, as far as a Provider reaches it.
type site struct {
	t       *testing.T
	server  *httptest.Server
	roots   *x509.CertPool
	options paypal.Options // of a Provider that downloads
	signed  callback.Request
	chain   string // the PEM that the signed call's certificate URL brings
	handler func(w http.ResponseWriter, r *http.Request)

	mu     sync.Mutex
	dialed []string
	asked  []string
}

// newSite returns PayPal's host for TLS names, with its certificate at every address. The handler may be changed.
func newSite(t *testing.T, names ...string) *site {
	o, key := throwaway()
	s := &site{t: t, signed: sign(t, signer(t, o, key)), chain: o.Certificates[first(o.Certificates)]}
	s.options = paypal.Options{WebhookID: o.WebhookID, TrustedRoots: o.TrustedRoots}
	s.handler = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.chain) }
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		s.handler(w, r)
	}))
	if len(names) == 0 {
		names = []string{"api.paypal.com", "api.sandbox.paypal.com"}
	}
	var own tls.Certificate
	own, s.roots = hostCertificate(t, names...)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// hostCertificate returns a fresh TLS certificate for the names and the pool that has its root.
func hostCertificate(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "host"}, DNSNames: names,
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// provider returns a Provider that finds the site wherever it connects to.
func (s *site) provider() *paypal.Provider {
	p := provider(s.t, s.options)
	p.Reach(s.dial, s.roots)
	return p
}

func (s *site) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dialed = append(s.dialed, address)
	s.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, s.server.Listener.Addr().String())
}

func (s *site) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// wants checks how many requests the site has had.
func (s *site) wants(n int) {
	s.t.Helper()
	if got := s.requests(); got != n {
		s.t.Errorf("%d requests, want %d", got, n)
	}
}

// busy checks that p cannot check r, so that PayPal comes again.
func busy(t testing.TB, p *paypal.Provider, r callback.Request, now time.Time) error {
	t.Helper()
	events, err := p.Parse(r, now)
	if _, refusal := err.(*callback.Refusal); err == nil || refusal {
		t.Errorf("%+v, %v; want an error that is no refusal", events, err)
		return err
	}
	if a := p.Answer(err); a.Status != http.StatusServiceUnavailable {
		t.Errorf("answered %d to %v, want 503", a.Status, err)
	}
	return err
}

// at names another certificate.
func (s *site) at(url string) callback.Request { return with(s.signed, "Paypal-Cert-Url", url) }

// number returns the URL of one of many certificates.
func number(i int) string {
	return fmt.Sprintf("https://api.paypal.com/v1/notifications/certs/CERT-%d", i)
}

func TestCertificateIsDownloadedOnce(t *testing.T) {
	s := newSite(t)
	s.options.Tolerance = year
	p := s.provider()
	for i := range 20 {
		accepted(t, p, s.signed, at.Add(time.Duration(i)*24*time.Hour))
	}
	s.wants(1)
	if s.dialed[0] != "api.paypal.com:443" || "https://api.paypal.com"+s.asked[0] != s.signed.Header.Get("Paypal-Cert-Url") {
		t.Errorf("asked %s for %s", s.dialed[0], s.asked[0])
	}
}

// Each is an address that some parser takes for PayPal's, or that is PayPal's in another spelling.
func TestOnlyPayPalsCertificatesAreFetched(t *testing.T) {
	s := newSite(t)
	p := s.provider()
	p.Reach(nobody(t), s.roots)
	for name, url := range map[string]string{
		"https alone":              "http://api.paypal.com/v1/notifications/certs/CERT-1",
		"file":                     "file:///v1/notifications/certs/CERT-1",
		"scheme in capitals":       "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
		"no scheme":                "//api.paypal.com/v1/notifications/certs/CERT-1",
		"space before":             " https://api.paypal.com/v1/notifications/certs/CERT-1",
		"port 443 alone":           "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
		"port spelled out":         "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
		"empty port":               "https://api.paypal.com:/v1/notifications/certs/CERT-1",
		"suffix of the host":       "https://evil-api.paypal.com/v1/notifications/certs/CERT-1",
		"prefix of the host":       "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
		"host in capitals":         "https://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
		"host with a point":        "https://api.paypal.com./v1/notifications/certs/CERT-1",
		"full-width point":         "https://api.paypal．com/v1/notifications/certs/CERT-1",
		"other host":               "https://www.paypal.com/v1/notifications/certs/CERT-1",
		"address":                  "https://169.254.169.254/v1/notifications/certs/CERT-1",
		"sandbox not configured":   "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
		"userinfo":                 "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
		"userinfo before the host": "https://x@api.paypal.com/v1/notifications/certs/CERT-1",
		"backslash":                `https://api.paypal.com\@evil.example/v1/notifications/certs/CERT-1`,
		"host ends at backslash":   `https://evil.example\.api.paypal.com/v1/notifications/certs/CERT-1`,
		"query":                    "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
		"query for a host":         "https://evil.example?api.paypal.com/v1/notifications/certs/CERT-1",
		"fragment":                 "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
		"fragment for a host":      "https://evil.example#api.paypal.com/v1/notifications/certs/CERT-1",
		"other path":               "https://api.paypal.com/v1/oauth2/token",
		"path without a name":      "https://api.paypal.com/v1/notifications/certs/",
		"no path":                  "https://api.paypal.com",
		"up":                       "https://api.paypal.com/v1/notifications/certs/../../oauth2",
		"encoded up":               "https://api.paypal.com/v1/notifications/certs/%2e%2e%2foauth2",
		"deeper":                   "https://api.paypal.com/v1/notifications/certs/CERT-1/x",
		"double slash":             "https://api.paypal.com//v1/notifications/certs/CERT-1",
		"long":                     "https://api.paypal.com/v1/notifications/certs/" + strings.Repeat("C", 101),
		"line end":                 "https://api.paypal.com/v1/notifications/certs/CERT-1\r\nHost: evil.example",
		"NUL":                      "https://api.paypal.com\x00.evil.example/v1/notifications/certs/CERT-1",
	} {
		t.Run(name, func(t *testing.T) { refused(t, p, s.at(url), at, callback.UntrustedCert) })
	}
}

func TestSandboxIfConfigured(t *testing.T) {
	s := newSite(t)
	s.options.CertHosts = callback.List{"api.sandbox.paypal.com"}
	p := s.provider()
	accepted(t, p, s.at("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"), at)
	refused(t, p, s.signed, at, callback.UntrustedCert)
	if len(s.dialed) != 1 || s.dialed[0] != "api.sandbox.paypal.com:443" {
		t.Errorf("connected to %v", s.dialed)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := newSite(t)
		s.handler = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				fmt.Fprint(w, s.chain)
				return
			}
			http.Redirect(w, r, "https://api.paypal.com/elsewhere", code)
		}
		refused(t, s.provider(), s.signed, at, callback.UntrustedCert)
		s.wants(1)
	}
}

func TestSixtyFourKiB(t *testing.T) {
	for _, c := range []struct {
		size int
		want bool
	}{{paypal.MaxCertificate, true}, {paypal.MaxCertificate + 1, false}} {
		s := newSite(t)
		s.chain += strings.Repeat("\n", c.size-len(s.chain))
		if _, err := s.provider().Parse(s.signed, at); (err == nil) != c.want {
			t.Errorf("%d bytes: %v, want accepted %v", c.size, err, c.want)
		}
	}
	s := newSite(t)
	var written atomic.Int64
	s.handler = func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // without an end
			n, err := fmt.Fprint(w, strings.Repeat("\n", 4096))
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	refused(t, s.provider(), s.signed, at, callback.UntrustedCert)
	s.server.Close()
	if n := written.Load(); n > 32<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestCompressedBombIsNotUnpacked(t *testing.T) {
	s := newSite(t)
	s.handler = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %s", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprint(w, s.chain)
	}
	accepted(t, s.provider(), s.signed, at)
}

func TestTLSOfTheHostIsVerified(t *testing.T) {
	s := newSite(t)
	p := provider(t, s.options)
	p.Reach(s.dial, x509.NewCertPool())
	busy(t, p, s.signed, at)
	s.wants(0)

	s = newSite(t, "api.paypal.com.evil.example")
	busy(t, s.provider(), s.signed, at)
	s.wants(0)
	if v := s.provider().Transport().TLSClientConfig.MinVersion; v != tls.VersionTLS12 {
		t.Errorf("TLS from %x on", v)
	}
}

func TestNoProxy(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	s := newSite(t)
	p := s.provider()
	accepted(t, p, s.signed, at)
	if p.Transport().Proxy != nil || s.dialed[0] != "api.paypal.com:443" {
		t.Errorf("connected to %v", s.dialed)
	}
}

func TestNoUsableCertificateIsNotAskedForAgainForAMinute(t *testing.T) {
	s := newSite(t)
	good := s.handler
	for _, c := range []struct {
		name    string
		handler func(http.ResponseWriter, *http.Request)
		refused bool
	}{
		{"not found", http.NotFound, true},
		{"gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, true},
		{"no PEM", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, true},
		{"PEM and more", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.chain, "x") }, true},
		{"too many requests", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, false},
		{"down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, false},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, false},
		{"broken off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
		{"empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, before := s.provider(), s.requests()
			s.handler = c.handler
			for _, later := range []time.Duration{0, time.Second, time.Minute - 1} {
				if c.refused {
					refused(t, p, s.signed, at.Add(later), callback.UntrustedCert)
				} else {
					busy(t, p, s.signed, at.Add(later))
				}
			}
			if n := s.requests() - before; n != 1 {
				t.Errorf("%d requests within a minute, want 1", n)
			}
			s.handler = good
			accepted(t, p, s.signed, at.Add(time.Minute))
			if n := s.requests() - before; n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}

// A flood of names that nobody knows costs PayPal ten requests a minute, and neither memory nor the calls whose certificate
// is known.
func TestTenNewURLsAMinute(t *testing.T) {
	s := newSite(t)
	p := s.provider()
	accepted(t, p, s.signed, at.Add(-time.Minute))
	known := s.signed.Header.Get("Paypal-Cert-Url")
	s.handler = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(known, r.URL.Path) {
			fmt.Fprint(w, s.chain)
			return
		}
		http.NotFound(w, r)
	}
	name := 0
	for minute := range 5 {
		now := at.Add(time.Duration(minute) * time.Minute)
		for i := range 500 {
			name++
			r := s.at(number(name))
			r.Doubtful = func() bool { return i%2 == 1 }
			if i < paypal.MaxDownloads {
				refused(t, p, r, now, callback.UntrustedCert)
			} else if err := busy(t, p, r, now.Add(59*time.Second)); !strings.Contains(err.Error(), "5 others") {
				t.Fatal(err)
			}
		}
		accepted(t, p, s.signed, now.Add(59*time.Second))
		s.wants(1 + (minute+1)*paypal.MaxDownloads)
		if n := p.Addresses(); n > 1+paypal.MaxDownloads {
			t.Errorf("%d addresses are remembered", n)
		}
	}
}

// TestStrangersLeaveTheFirstCertificateItsPlace: at the start no certificate is known, and who names others all the time,
// from where they were for nothing before, does not keep PayPal's from being fetched.
func TestStrangersLeaveTheFirstCertificateItsPlace(t *testing.T) {
	s := newSite(t)
	p, known := s.provider(), s.signed.Header.Get("Paypal-Cert-Url")
	s.handler = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(known, r.URL.Path) {
			fmt.Fprint(w, s.chain)
			return
		}
		http.NotFound(w, r)
	}
	for i := range 1200 {
		r := s.at(number(i))
		r.Doubtful = func() bool { return i > 0 } // the first came from where nothing was known of
		_, err := p.Parse(r, at.Add(time.Duration(i)*50*time.Millisecond))
		if err == nil {
			t.Fatal("accepted")
		}
	}
	accepted(t, p, s.signed, at.Add(time.Minute))
}

func TestCertificatesAreBounded(t *testing.T) {
	s := newSite(t)
	p := s.provider()
	accepted(t, p, s.signed, at)
	for i := range 10 * paypal.MaxCertificates {
		now := at.Add(time.Duration(i+1) * time.Minute)
		accepted(t, p, s.at(number(i)), now)
		accepted(t, p, s.at(number(max(0, i-1))), now)
		accepted(t, p, s.signed, now.Add(time.Second))
	}
	if n := p.Addresses(); n != paypal.MaxCertificates {
		t.Errorf("%d certificates are kept, want %d", n, paypal.MaxCertificates)
	}
	s.wants(1 + 10*paypal.MaxCertificates) // those in use stay
}

// unreachable is the network when it is down.
func unreachable(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
