package paypal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// authority issues certificates. It has its own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

// newAuthority returns a root, or one that by issued the certificate of.
func newAuthority(t testing.TB, by *authority, until time.Time) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority " + rand.Text()}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: at.AddDate(-1, 0, 0), NotAfter: until}
	if by == nil {
		by = &authority{cert: c, key: key}
	}
	a.cert, a.pem = by.issue(t, c, key.Public())
	return a
}

func (a *authority) issue(t testing.TB, c *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// signing returns what a signing certificate for names is issued by, valid for a month around the time of the tests.
func signing(names ...string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: at.AddDate(0, 0, -15), NotAfter: at.AddDate(0, 0, 15)}
}

const name = "messageverificationcerts.paypal.com"

// publicOf returns the public half of the key that the tests sign with.
func publicOf(t testing.TB, key string) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	private, err := callback.ParseRSAPrivate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return private.Public()
}

// year is a tolerance with which a certificate is too old before a call is.
const year = 366 * 24 * time.Hour

// pinned returns a Provider with the chain and roots, and a call that the chain's first certificate signed.
func pinned(t testing.TB, chain, roots string) (*paypal.Provider, callback.Request) {
	t.Helper()
	o, key := throwaway()
	r := sign(t, signer(t, o, key))
	o.Certificates[first(o.Certificates)], o.TrustedRoots, o.Tolerance = chain, roots, year
	return provider(t, o), r
}

func TestCertificateIsMadeOutToPayPal(t *testing.T) {
	_, key := throwaway()
	root := newAuthority(t, nil, at.AddDate(1, 0, 0))
	for _, c := range []struct {
		name string
		want bool
	}{
		{name, true},
		{"messageverificationcerts.sandbox.paypal.com", true},
		{"shop.example.com", false},
		{"www.paypal.com", false},
		{"*.paypal.com", false},
		{"paypal.com", false},
		{"messageverificationcerts.paypal.com.evil.example", false},
		{"messageverificationcerts.evilpaypal.com", false},
		{"messageverificationcerts.paypal.community", false},
		{"messageverificationcertspaypal.com", false},
		{"evil.messageverificationcerts.paypal.com", false},
		{"messageverificationcerts..paypal.com", false},
	} {
		_, leaf := root.issue(t, signing(c.name), publicOf(t, key))
		p, r := pinned(t, leaf, root.pem)
		if c.want {
			accepted(t, p, r, at)
		} else {
			refused(t, p, r, at, callback.UntrustedCert)
		}
	}
	common := signing()
	common.Subject.CommonName = name // authorities check alternative names alone
	_, leaf := root.issue(t, common, publicOf(t, key))
	p, r := pinned(t, leaf, root.pem)
	refused(t, p, r, at, callback.UntrustedCert)
}

func TestChainLeadsToATrustedRoot(t *testing.T) {
	_, key := throwaway()
	public := publicOf(t, key)
	later := at.AddDate(1, 0, 0)
	root, other := newAuthority(t, nil, later), newAuthority(t, nil, later)
	between := newAuthority(t, root, later)
	expired := newAuthority(t, root, at.AddDate(0, 0, -1))
	_, direct := root.issue(t, signing(name), public)
	_, leaf := between.issue(t, signing(name), public)
	_, leafOfExpired := expired.issue(t, signing(name), public)
	forClients := signing(name)
	forClients.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	_, client := root.issue(t, forClients, public)

	// Somebody else's certificate, of the same root, is no authority.
	shop := &authority{key: between.key}
	var shopPEM, issued string
	shop.cert, shopPEM = root.issue(t, signing("shop.example.com"), between.key.Public())
	_, issued = shop.issue(t, signing(name), public)

	for title, c := range map[string]struct {
		chain, roots string
		want         bool
	}{
		"root":                     {direct, root.pem, true},
		"through another":          {leaf + between.pem, root.pem, true},
		"with the root":            {leaf + between.pem + root.pem, root.pem, true},
		"with a stray one":         {leaf + other.pem + between.pem, root.pem, true},
		"missing one is trusted":   {leaf, root.pem + between.pem, true},
		"missing one":              {leaf, root.pem, false},
		"another root":             {leaf + between.pem, other.pem, false},
		"its own root":             {leaf + between.pem + root.pem, other.pem, false},
		"expired in between":       {leafOfExpired + expired.pem, root.pem, false},
		"for clients alone":        {client, root.pem, false},
		"issued by no authority":   {issued + shopPEM, root.pem, false},
		"system's roots":           {direct, "", false},
		"system's, root delivered": {direct + root.pem, "", false},
	} {
		t.Run(title, func(t *testing.T) {
			p, r := pinned(t, c.chain, c.roots)
			if c.want {
				accepted(t, p, r, at)
			} else {
				refused(t, p, r, at, callback.UntrustedCert)
			}
		})
	}
}

func TestChainIsValidAtTheTime(t *testing.T) {
	_, key := throwaway()
	root := newAuthority(t, nil, at.AddDate(1, 0, 0))
	between := newAuthority(t, root, at.AddDate(0, 0, 10)) // ends before the certificate does
	_, leaf := between.issue(t, signing(name), publicOf(t, key))
	p, r := pinned(t, leaf+between.pem, root.pem)
	for _, c := range []struct {
		days int
		want bool
	}{{-16, false}, {0, true}, {-14, true}, {9, true}, {11, false}, {16, false}, {0, true}, {400, false}} {
		now := at.AddDate(0, 0, c.days)
		if c.want {
			accepted(t, p, r, now)
		} else {
			refused(t, p, r, now, callback.UntrustedCert)
		}
	}
}

func TestWeakKeys(t *testing.T) {
	o, _ := throwaway()
	root := newAuthority(t, nil, at.AddDate(1, 0, 0))
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for title, key := range map[string]crypto.PublicKey{"RSA with 1024 bits": small.Public(), "elliptic": root.key.Public()} {
		_, leaf := root.issue(t, signing(name), key)
		o.Certificates[first(o.Certificates)] = leaf
		if _, err := paypal.New(o); err == nil || !strings.Contains(err.Error(), "2048") {
			t.Errorf("%s, pinned: %v", title, err)
		}
		s := newSite(t)
		s.chain, s.options.TrustedRoots = leaf, root.pem
		refused(t, s.provider(), s.signed, at, callback.UntrustedCert)
	}
}

// What is downloaded is checked as what is pinned, and what has expired is fetched again.
func TestDownloadedChain(t *testing.T) {
	_, key := throwaway()
	root := newAuthority(t, nil, at.AddDate(1, 0, 0))
	_, leaf := root.issue(t, signing(name), publicOf(t, key))
	_, foreign := root.issue(t, signing("shop.example.com"), publicOf(t, key))
	next := signing(name)
	next.NotAfter = at.AddDate(0, 6, 0)
	_, renewed := root.issue(t, next, publicOf(t, key))

	s := newSite(t)
	s.options.TrustedRoots, s.options.Tolerance = root.pem, year
	s.chain = foreign
	p := s.provider()
	refused(t, p, s.signed, at, callback.UntrustedCert)
	s.chain = leaf
	refused(t, p, s.signed, at, callback.UntrustedCert) // for a minute
	s.wants(1)
	accepted(t, p, s.signed, at.Add(time.Minute))
	s.wants(2)

	month := at.AddDate(0, 1, 0)
	refused(t, p, s.signed, month, callback.UntrustedCert)
	s.wants(3)
	s.handler = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, renewed) }
	accepted(t, p, s.signed, month.Add(time.Minute))
	accepted(t, p, s.signed, month.Add(2*time.Minute))
	s.wants(4)
}

// A refusal is logged, and what a certificate says is not ours to log.
func TestRefusedCertificateIsNotQuoted(t *testing.T) {
	_, key := throwaway()
	root, twin := newAuthority(t, nil, at.AddDate(1, 0, 0)), newAuthority(t, nil, at.AddDate(1, 0, 0))
	twin.cert.RawSubject = root.cert.RawSubject // x509 quotes an authority of the same name
	_, leaf := twin.issue(t, signing(name), publicOf(t, key))
	p, r := pinned(t, leaf, root.pem)
	refused(t, p, r, at, callback.UntrustedCert)
	if _, err := p.Parse(r, at); err == nil || strings.Contains(err.Error(), root.cert.Subject.CommonName) {
		t.Errorf("%v", err)
	}
}
