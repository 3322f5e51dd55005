package paypal

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// certPath is where PayPal has its certificates.
const certPath = "/v1/notifications/certs/"

// minBits is the smallest RSA key that counts.
const minBits = 2048

// key returns the key of the certificate at the URL. The error is a *callback.Refusal, or another one if the certificate
// could not be fetched.
func (p *Provider) key(url string, now time.Time, doubtful func() bool) (*rsa.PublicKey, error) {
	if !p.allows(url) {
		return nil, callback.Refuse(callback.UntrustedCert, headerCert+" is not the address of a certificate at one of cert_hosts: "+
			strings.Join(p.hosts, ", "))
	}
	if p.pinned == nil {
		return p.downloads.key(url, now, doubtful)
	}
	c := p.pinned[url]
	if c == nil {
		return nil, callback.Refuse(callback.UnknownKey, headerCert+" is none of the URLs in certificates, and nothing is "+
			"downloaded while there are any: add PayPal's present certificate")
	}
	if err := c.check(now); err != nil {
		return nil, err
	}
	return c.key, nil
}

// allows reports whether url is the address of a certificate. It compares text: what parses a URL differs on what the host
// of a strange one is, and a second spelling of one address would be a second download.
func (p *Provider) allows(url string) bool {
	rest, ok := strings.CutPrefix(url, "https://")
	host, path, found := strings.Cut(rest, "/")
	if !ok || !found {
		return false
	}
	for _, allowed := range p.hosts {
		if host == allowed {
			name, ok := strings.CutPrefix("/"+path, certPath)
			return ok && name != "" && len(name) <= 100 && strings.Trim(name, letters+digits+"-_") == ""
		}
	}
	return false
}

// chain is a certificate with those between it and a root. It may be used from many goroutines.
type chain struct {
	leaf    *x509.Certificate
	key     *rsa.PublicKey
	between *x509.CertPool
	roots   *x509.CertPool // nil is the system's
	valid   atomic.Pointer[window]
}

// window is when a chain that was verified is valid.
type window struct{ from, until time.Time }

// newChain reads a PEM text, the signing certificate first. It checks no more than that there is an RSA key.
func newChain(text string, roots *x509.CertPool) (*chain, error) {
	all, err := parseCertificates(text)
	if err != nil {
		return nil, err
	}
	c := &chain{leaf: all[0], between: x509.NewCertPool(), roots: roots}
	for _, other := range all[1:] {
		c.between.AddCert(other)
	}
	var ok bool
	if c.key, ok = c.leaf.PublicKey.(*rsa.PublicKey); !ok || c.key.N.BitLen() < minBits {
		return nil, fmt.Errorf("the first certificate does not have an RSA key of %d bits or more", minBits)
	}
	return c, nil
}

// parseCertificates reads at least one certificate and nothing else.
func parseCertificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(bytes.TrimSpace(rest)) != 0 || len(all) == 0 {
				return nil, errors.New("this is not PEM certificates")
			}
			return all, nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("this is not PEM certificates")
		}
		all = append(all, c)
	}
}

// check verifies that c is PayPal's and leads to a trusted root at the time now. What was verified is not verified again
// while it is valid. The error is a *callback.Refusal, or another one if there are no roots.
func (c *chain) check(now time.Time) error {
	if w := c.valid.Load(); w != nil && !now.Before(w.from) && !now.After(w.until) {
		return nil
	}
	if !c.named() {
		return callback.Refuse(callback.UntrustedCert, "the certificate is not made out to PayPal's messageverificationcerts")
	}
	// The usage is the default, that of a TLS server: only for these do public authorities check who owns a name.
	paths, err := c.leaf.Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: c.between, CurrentTime: now})
	if none := (x509.SystemRootsError{}); errors.As(err, &none) {
		return errors.New("paypal: verify certificate: the system has no root certificates: install them, or set trusted_roots")
	}
	if err != nil {
		return callback.Refuse(callback.UntrustedCert, "the certificate does not lead to a trusted root: "+why(err))
	}
	c.valid.Store(longest(paths))
	return nil
}

// named reports whether the certificate is made out to messageverificationcerts.paypal.com, or the sandbox's
// messageverificationcerts.sandbox.paypal.com. PayPal's library asks for any name under paypal.com, which many servers have
// certificates for.
func (c *chain) named() bool {
	for _, name := range c.leaf.DNSNames {
		rest, ok := strings.CutPrefix(name, "messageverificationcerts.")
		if ok && (rest == "paypal.com" || isHost(rest)) {
			return true
		}
	}
	return false
}

// why returns an error of x509 without what the certificate says, which is anybody's text.
func why(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it is not valid at this time"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "its authority is unknown"
	default:
		return "its chain is not valid"
	}
}

// longest returns when the path that is valid longest is valid.
func longest(paths [][]*x509.Certificate) *window {
	best := new(window)
	for _, path := range paths {
		w := window{path[0].NotBefore, path[0].NotAfter}
		for _, c := range path[1:] {
			if c.NotBefore.After(w.from) {
				w.from = c.NotBefore
			}
			if c.NotAfter.Before(w.until) {
				w.until = c.NotAfter
			}
		}
		if w.until.After(best.until) {
			*best = w
		}
	}
	return best
}
