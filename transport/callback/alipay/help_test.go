package alipay

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

var testNow = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// throwaway returns one account for all tests, as making keys takes long.
func throwaway() (Options, string) {
	a := account()
	return a.options, a.key
}

var account = sync.OnceValue(func() struct {
	options Options
	key     string
} {
	o, key, err := Throwaway()
	if err != nil {
		panic(err)
	}
	return struct {
		options Options
		key     string
	}{o, key}
})

var shortKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return key
})

func privateKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	_, text := throwaway()
	key, err := parsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustNew(t testing.TB, o Options) *Provider {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustSigner(t testing.TB, o Options, key string) *Signer {
	t.Helper()
	s, err := NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// values returns what s would sign for n.
func values(t testing.TB, s *Signer, n callback.Notification) map[string]string {
	t.Helper()
	v, err := s.compose(n, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signed returns the body of a notice with the values, or with those of an ordinary paid one.
func signed(t testing.TB, s *Signer, v map[string]string) string {
	t.Helper()
	if v == nil {
		v = values(t, s, callback.Notification{})
	}
	r, err := s.post(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Body)
}

// with returns the body of an ordinary paid notice with some values changed; empty ones are removed.
func with(t testing.TB, s *Signer, changes map[string]string) string {
	t.Helper()
	v := values(t, s, callback.Notification{Payment: "A-1", Amount: "88.88", ID: "notify-1", TransactionID: "trade-1"})
	maps.Copy(v, changes)
	maps.DeleteFunc(v, func(_, value string) bool { return value == "" })
	return signed(t, s, v)
}

// sign returns the base64 of a signature over text in s's algorithm.
func sign(t testing.TB, s *Signer, text string) string {
	t.Helper()
	h := s.alg.hash.New()
	h.Write([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, s.private, s.alg.hash, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// unescaped returns the body of the pairs, k, v, k, v, …, with a signature over text.
func unescaped(t testing.TB, s *Signer, text string, pairs ...string) string {
	t.Helper()
	body := url.Values{"sign": {sign(t, s, text)}, "sign_type": {s.alg.name}}
	for i := 0; i < len(pairs); i += 2 {
		body.Add(pairs[i], pairs[i+1])
	}
	return body.Encode()
}

func post(body string) callback.Request {
	return callback.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: []byte(body)}
}

func reason(err error) callback.Reason {
	r, ok := errors.AsType[*callback.Refusal](err)
	if !ok {
		return ""
	}
	return r.Reason
}

func accepted(t testing.TB, p *Provider, body string) callback.Event {
	t.Helper()
	events, err := p.Parse(post(body), testNow)
	if err != nil || len(events) != 1 {
		t.Fatalf("%+v, %v; want one event", events, err)
	}
	return events[0]
}

func refused(t testing.TB, p *Provider, body string, want callback.Reason, genuine bool) {
	t.Helper()
	events, err := p.Parse(post(body), testNow)
	r, ok := errors.AsType[*callback.Refusal](err)
	if !ok || r.Reason != want || r.Genuine != genuine || len(events) > 0 {
		t.Errorf("%+v, %v; want %s, genuine %v", events, err, want, genuine)
	}
}

func ignored(t testing.TB, p *Provider, body string) {
	t.Helper()
	if events, err := p.Parse(post(body), testNow); err != nil || len(events) > 0 {
		t.Errorf("%+v, %v; want neither", events, err)
	}
}

// unusable checks that the notice tells something, but of no usable payment.
func unusable(t testing.TB, p *Provider, body string) {
	t.Helper()
	events, err := p.Parse(post(body), testNow)
	callbacktest.Unusable(t, events, err)
}

// certificate returns a certificate of the test account's key with the serial number, issued by itself.
func certificate(t testing.TB, serial int64) string {
	t.Helper()
	key := privateKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject: pkix.Name{
			Country:            []string{"CN"},
			Organization:       []string{"支付宝 (TEST)"},
			OrganizationalUnit: []string{"Certification Authority"},
			CommonName:         "Ant Financial Certification Authority Class 2 R1",
		},
		NotBefore: testNow.AddDate(-2, 0, 0),
		NotAfter:  testNow.AddDate(-1, 0, 0), // expired, which does not matter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func publicPEM(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}))
}

func privatePEM(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
