package paypal

import (
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// What the tests of the package compare with.
const (
	MaxCertificate  = maxCertificate
	MaxDownloads    = maxDownloads
	MaxCertificates = maxCertificates
	MaxWaiting      = maxWaiting
	MaxReplays      = maxReplays
)

// Dial connects to an address.
type Dial = dialer

// Reach makes p download with its own transport, but through dial, from hosts whose TLS certificates lead to roots.
func (p *Provider) Reach(dial Dial, roots *x509.CertPool) {
	t := newTransport(dial)
	t.TLSClientConfig.RootCAs = roots
	p.downloads.client.Transport = t
}

// Transport returns what p downloads with.
func (p *Provider) Transport() *http.Transport { return p.downloads.client.Transport.(*http.Transport) }

// Addresses returns how many addresses of certificates p remembers.
func (p *Provider) Addresses() int {
	p.downloads.mu.Lock()
	defer p.downloads.mu.Unlock()
	return len(p.downloads.byURL)
}

// Remembered returns how many transmissions p remembers.
func (p *Provider) Remembered() int {
	p.replays.mu.Lock()
	defer p.replays.mu.Unlock()
	if len(p.replays.bodies) != len(p.replays.order) {
		panic("the transmissions and their order differ")
	}
	return len(p.replays.bodies)
}

// Admit passes a transmission whose signature is not looked at.
func (p *Provider) Admit(id string, sent time.Time, body string, now time.Time) bool {
	return p.replays.admit(transmission{id: id, time: sent}, []byte(body), now)
}

// SignBody returns a callback with any body, signed for o's first webhook.
func SignBody(t testing.TB, o Options, key string, at time.Time, body []byte) callback.Request {
	t.Helper()
	return SignFor(t, o, key, o.WebhookID[0], at, body)
}

// SignFor is SignBody for a webhook that o need not have.
func SignFor(t testing.TB, o Options, key, webhook string, at time.Time, body []byte) callback.Request {
	t.Helper()
	s, err := NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	s.webhook = webhook
	r, err := s.post(body, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
