package scheme_test

import (
	"crypto/hmac"
	"encoding/hex"
	"hash"
	"net/http"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// at is when calls are signed.
var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

const stamp = "1795312800" // at

// settings are Options that are no more than what they come down to.
type settings scheme.Settings

func (s settings) Settings() scheme.Settings { return scheme.Settings(s) }

// provider is what the tests of Reading and Kind verify and sign with: a token, which leaves the body free.
const header, token = "X-Token", "topsecret"

func keyed() settings { return settings{Keys: []string{token}, KeysName: "tokens"} }

// declare returns a scheme that is proven by the token.
func declare(r scheme.Reading, kinds ...scheme.Kind) *scheme.Scheme[settings] {
	return &scheme.Scheme[settings]{
		About:   callback.About{Name: "shop", Currency: "EUR"},
		Proof:   scheme.Token{Header: header},
		Reading: r,
		Kinds:   kinds,
	}
}

func open(t testing.TB, s *scheme.Scheme[settings], o settings) *scheme.Provider {
	t.Helper()
	p, err := s.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signer(t testing.TB, s *scheme.Scheme[settings], o settings) *scheme.Signer {
	t.Helper()
	signer, err := s.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// parse returns what the scheme reads in a proven call with the body and the further headers, name and value in turn.
func parse(t testing.TB, s *scheme.Scheme[settings], body string, headers ...string) ([]callback.Event, error) {
	t.Helper()
	h := http.Header{header: {token}}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return open(t, s, keyed()).Parse(callback.NewPost(h, []byte(body)), at)
}

// one returns the one event of such a call.
func one(t testing.TB, s *scheme.Scheme[settings], body string, headers ...string) callback.Event {
	t.Helper()
	events, err := parse(t, s, body, headers...)
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %+v, %v; want one event", body, events, err)
	}
	if err := callbacktest.Wellformed(events[0]); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return events[0]
}

// none checks that such a call is acknowledged and tells nothing.
func none(t testing.TB, s *scheme.Scheme[settings], body string, headers ...string) {
	t.Helper()
	if events, err := parse(t, s, body, headers...); err != nil || len(events) != 0 {
		t.Errorf("%s: %+v, %v; want nothing", body, events, err)
	}
}

// rejected checks that such a call is malformed after a good proof.
func rejected(t testing.TB, s *scheme.Scheme[settings], body string, headers ...string) {
	t.Helper()
	events, err := parse(t, s, body, headers...)
	if r, ok := err.(*callback.Refusal); !ok || r.Reason != callback.Malformed || !r.Genuine || len(events) != 0 {
		t.Errorf("%s: %+v, %v; want a genuine call refused as malformed", body, events, err)
	}
}

// verifier returns the MAC with the keys.
func verifier(t testing.TB, m scheme.MAC, keys ...string) *scheme.Verifier {
	t.Helper()
	v, err := m.New(scheme.Settings{Keys: keys, KeysName: "secrets", URL: notified, URLName: "notification_url"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const notified = "https://pay.shop.example/v1/callbacks/shop?x=1"

// post is a call with the body and the headers, name and value in turn.
func post(body string, headers ...string) callback.Request {
	h := make(http.Header)
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return callback.NewPost(h, []byte(body))
}

// mac computes what the declarations of a MAC should come to, without them.
func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexMAC(h func() hash.Hash, key, text string) string {
	return hex.EncodeToString(mac(h, key, text))
}

// reason is why a Verifier refuses, empty if it does not.
func reason(r *callback.Refusal) callback.Reason {
	if r == nil {
		return ""
	}
	return r.Reason
}
