package schemes_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

func TestVectors(t *testing.T) {
	for _, p := range all {
		for _, v := range vectors(t, p.about.Name) {
			t.Run(p.about.Name+"/"+v.Name, func(t *testing.T) { v.Check(t, p.of(t, v).provider) })
		}
	}
}

func TestRoundTrips(t *testing.T) {
	for _, p := range all {
		t.Run(p.about.Name, func(t *testing.T) {
			s := p.open(t)
			n := callback.Notification{Payment: "order 7/é <&>", Amount: "12.30", Currency: p.about.Currency, Time: at}
			callbacktest.RoundTrips(t, s.provider, s.signer, n, p.about.Statuses...)
			callbacktest.RoundTrips(t, s.provider, s.signer, callback.Notification{}, p.about.Statuses...)
			n.Payment = "18446744073709551615"
			callbacktest.RoundTrips(t, s.provider, s.signer, n, p.about.Statuses...)
		})
	}
}

// accepted returns the vectors that are accepted and tell something, or, of a provider that tells nothing, all that are.
func accepted(t testing.TB, p provider) (list []callbacktest.Vector) {
	t.Helper()
	for _, v := range vectors(t, p.about.Name) {
		if v.Expect.Accept && !v.Expect.Optional {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s has no vector that is accepted", p.about.Name)
	}
	return list
}

// Every bit of the body and of the signature counts. Xendit is left out: its token does not cover the body
// (TestXenditTokenCoversNothing).
func TestBitFlips(t *testing.T) {
	for _, p := range all {
		if p.about.Name == "xendit" {
			continue
		}
		t.Run(p.about.Name, func(t *testing.T) {
			v := accepted(t, p)[0]
			for _, other := range accepted(t, p) { // of several signatures the wrong ones may be changed
				if len(other.Request.Header.Get(p.of(t, other).header)) < len(v.Request.Header.Get(p.of(t, v).header)) {
					v = other
				}
			}
			s := p.of(t, v)
			callbacktest.BitFlips(t, s.provider, v.Request, v.Now, s.header)
		})
	}
}

// What is not signed never decides about money: a genuine call under other headers is refused, tells nothing, or says the
// same.
func TestUnsignedHeadersDecideNothing(t *testing.T) {
	for _, p := range all {
		t.Run(p.about.Name, func(t *testing.T) {
			said := make(map[string][]string) // by header, what vectors and Signers have there
			note := func(s *shop, h http.Header) {
				for name, values := range h {
					if name != s.header {
						said[name] = append(said[name], append(values, "", "x", strings.Repeat("x", 4096), "\x00", "1")...)
					}
				}
			}
			for _, v := range vectors(t, p.about.Name) {
				note(p.of(t, v), v.Request.Header)
			}
			for _, status := range p.about.Statuses {
				note(p.open(t), p.open(t).said(callback.Notification{Status: status}).Header)
			}
			for _, v := range accepted(t, p) {
				s := p.of(t, v)
				want, err := s.provider.Parse(v.Request, v.Now)
				if err != nil {
					t.Fatal(err)
				}
				for name, values := range said {
					for _, value := range values {
						own := v.Request.Header.Get(name)
						for _, changed := range [][]string{nil, {value}, {value, own}, {own, value}} {
							r := v.Request
							r.Header = r.Header.Clone()
							r.Header[name] = changed
							same(t, s, name, r, want, v)
						}
					}
				}
			}
		})
	}
}

// same checks that r says nothing else than want.
func same(t *testing.T, s *shop, changed string, r callback.Request, want []callback.Event, v callbacktest.Vector) {
	t.Helper()
	got, err := s.provider.Parse(r, v.Now)
	if err != nil || len(got) == 0 {
		return
	}
	if len(want) == 0 {
		t.Errorf("%s: with %s %.40q it says %+v, and nothing before", v.Name, changed, r.Header[changed], got)
		return
	}
	a, b := got[0].Event, want[0].Event
	a.ID, b.ID = "", ""
	if a != b {
		t.Errorf("%s: with %s %.40q it says %+v, and %+v before", v.Name, changed, r.Header[changed], a, b)
	}
}

func TestStrangers(t *testing.T) {
	for _, p := range all {
		t.Run(p.about.Name, func(t *testing.T) {
			s, stranger := p.open(t), p.open(t)
			for _, body := range []string{"", "{}", "[]", "\x00", `{"event":{"id":"e"}}`} {
				s.refused(callback.MissingHeader, callback.NewPost(make(http.Header), []byte(body)))
				s.refused(callback.BadSignature, stranger.call(body))
				r := s.call(body)
				r.Header.Add(s.header, r.Header.Get(s.header))
				s.refused(callback.DuplicateHeader, r)
				r = s.call(body)
				r.Method = http.MethodGet
				s.refused(callback.MethodNotAllowed, r)
			}
		})
	}
}

func TestNewNamesTheProviderAndTheSetting(t *testing.T) {
	settings := map[string]string{"square": "signature_keys", "xendit": "callback_tokens"}
	for _, p := range all {
		setting, ok := settings[p.about.Name]
		if !ok {
			setting = "secrets"
		}
		if err := p.zero(); err == nil || !strings.HasPrefix(err.Error(), p.about.Name+": set "+setting+" ") {
			t.Errorf("%v, want %s: set %s", err, p.about.Name, setting)
		}
	}
}

// An id that is not signed can come with a genuine call of another state, before the one whose id it is. That one counts
// all the same.
func TestUnsignedIDsTakeNoPlace(t *testing.T) {
	for _, p := range all {
		t.Run(p.about.Name, func(t *testing.T) {
			s := p.open(t)
			for _, first := range p.about.Statuses {
				if first == relay.Paid || first == relay.Refunded || first == relay.RefundFailed {
					continue
				}
				n := callback.Notification{Payment: "o-1", Status: first, Amount: "12.00", ID: "a", Time: at}
				before := s.said(n)
				n.Status, n.ID = relay.Paid, "b"
				paid := s.said(n)
				for name := range before.Header {
					if name != s.header && name != "X-Event-Name" {
						before.Header[name] = paid.Header[name]
					}
				}
				if state, _ := s.log("o-1", before, paid); state.Status != relay.Paid {
					t.Errorf("%s under the headers of paid: %+v", first, state)
				}
			}
		})
	}
}
