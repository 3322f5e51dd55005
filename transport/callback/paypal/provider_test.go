package paypal_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// keys are made once: a pair takes half a second.
var keys = sync.OnceValues(func() (paypal.Options, string) {
	o, key, err := paypal.Throwaway()
	if err != nil {
		panic(err)
	}
	return o, key
})

func throwaway() (paypal.Options, string) {
	o, key := keys()
	o.Certificates = maps.Clone(o.Certificates)
	return o, key
}

func provider(t testing.TB, o paypal.Options) *paypal.Provider {
	t.Helper()
	p, err := paypal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signer(t testing.TB, o paypal.Options, key string) *paypal.Signer {
	t.Helper()
	s, err := paypal.NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sign returns the callback of a payment of 23.99 USD.
func sign(t testing.TB, s *paypal.Signer) callback.Request {
	t.Helper()
	r, err := s.Sign(callback.Notification{Payment: "A-1", Status: relay.Paid, Amount: "23.99"}, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// with returns r with another value of a header, or without it if there is none.
func with(r callback.Request, name string, values ...string) callback.Request {
	r.Header = r.Header.Clone()
	r.Header[http.CanonicalHeaderKey(name)] = values
	return r
}

// refused checks that p refuses r for the reason.
func refused(t testing.TB, p *paypal.Provider, r callback.Request, now time.Time, want callback.Reason) {
	t.Helper()
	events, err := p.Parse(r, now)
	if err == nil {
		t.Errorf("accepted: %+v, want %s", events, want)
	} else if got := callbacktest.ReasonOf(t, err); got != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// accepted checks that p accepts r.
func accepted(t testing.TB, p *paypal.Provider, r callback.Request, now time.Time) {
	t.Helper()
	if _, err := p.Parse(r, now); err != nil {
		t.Error(err)
	}
}

func TestVectors(t *testing.T) { callbacktest.Vectors(t, paypal.New) }

func TestAboutCountsTheVectors(t *testing.T) {
	if n := len(callbacktest.Each(t)); n != paypal.About.Vectors {
		t.Errorf("About has %d vectors, there are %d", paypal.About.Vectors, n)
	}
}

func TestBitFlips(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		if v.Name == "capture-completed" {
			p := provider(t, callbacktest.Decode[paypal.Options](t, v.Config))
			callbacktest.BitFlips(t, p, v.Request, v.Now, "Paypal-Transmission-Id", "Paypal-Transmission-Time",
				"Paypal-Transmission-Sig", "Paypal-Cert-Url", "Paypal-Auth-Algo")
		}
	}
}

func TestHeadersOnce(t *testing.T) {
	o, key := throwaway()
	p, r := provider(t, o), sign(t, signer(t, o, key))
	for _, name := range []string{"Paypal-Transmission-Id", "Paypal-Transmission-Time", "Paypal-Transmission-Sig",
		"Paypal-Cert-Url", "Paypal-Auth-Algo"} {
		value := r.Header.Get(name)
		refused(t, p, with(r, name), at, callback.MissingHeader)
		refused(t, p, with(r, name, ""), at, callback.MissingHeader)
		refused(t, p, with(r, name, value, value), at, callback.DuplicateHeader)
	}
	accepted(t, p, r, at)
}

func TestHeadersAreStrict(t *testing.T) {
	o, key := throwaway()
	p, r := provider(t, o), sign(t, signer(t, o, key))
	sig := r.Header.Get("Paypal-Transmission-Sig")
	for name, c := range map[string]struct {
		header, value string
		want          callback.Reason
	}{
		"other algorithm":      {"Paypal-Auth-Algo", "SHA512withRSA", callback.UnsupportedAlgorithm},
		"algorithm's case":     {"Paypal-Auth-Algo", "sha256withrsa", callback.UnsupportedAlgorithm},
		"long id":              {"Paypal-Transmission-Id", strings.Repeat("a", 101), callback.Malformed},
		"space in the id":      {"Paypal-Transmission-Id", "a b", callback.Malformed},
		"time without a zone":  {"Paypal-Transmission-Time", "2026-11-22T02:00:00", callback.Malformed},
		"Unix time":            {"Paypal-Transmission-Time", "1795312800", callback.Malformed},
		"base64 unpadded":      {"Paypal-Transmission-Sig", strings.TrimRight(sig, "="), callback.Malformed},
		"base64 with line end": {"Paypal-Transmission-Sig", sig[:76] + "\n" + sig[76:], callback.Malformed},
		"signature of a byte":  {"Paypal-Transmission-Sig", "AA==", callback.BadSignature},
	} {
		t.Run(name, func(t *testing.T) { refused(t, p, with(r, c.header, c.value), at, c.want) })
	}
}

// The signed text has bars between its parts, so a bar in a part could make one text of two calls.
func TestBarShift(t *testing.T) {
	o, key := throwaway()
	p, r := provider(t, o), sign(t, signer(t, o, key))
	id, stamp := r.Header.Get("Paypal-Transmission-Id"), r.Header.Get("Paypal-Transmission-Time")
	refused(t, p, with(with(r, "Paypal-Transmission-Id", id+"|"+stamp), "Paypal-Transmission-Time", stamp), at, callback.Malformed)
	refused(t, p, with(with(r, "Paypal-Transmission-Id", id[:8]), "Paypal-Transmission-Time", id[8:]+"|"+stamp), at, callback.Malformed)
	o.WebhookID = callback.List{"1JE|42"}
	if _, err := paypal.New(o); err == nil {
		t.Error("a webhook id with a bar")
	}
}

func TestSimulatorsWebhookIsAnotherOne(t *testing.T) {
	o, key := throwaway()
	r := paypal.SignFor(t, o, key, "WEBHOOK_ID", at, []byte(event("PAYMENT.CAPTURE.COMPLETED", plain)))
	refused(t, provider(t, o), r, at, callback.BadSignature)
	o.WebhookID = callback.List{"WEBHOOK_ID"}
	if _, err := paypal.New(o); err == nil || !strings.Contains(err.Error(), "simulator") {
		t.Errorf("%v, want an error that tells of the simulator", err)
	}
}

func TestSeveralWebhooks(t *testing.T) {
	o, key := throwaway()
	r := sign(t, signer(t, o, key))
	o.WebhookID = append(callback.List{"OTHER1"}, o.WebhookID...)
	accepted(t, provider(t, o), r, at)
	o.WebhookID = o.WebhookID[:1]
	refused(t, provider(t, o), r, at, callback.BadSignature)
}

func TestToleranceLimitsTheAgeAlone(t *testing.T) {
	o, key := throwaway()
	r := sign(t, signer(t, o, key))
	for _, c := range []struct {
		tolerance, off time.Duration
		stale          bool
	}{
		{0, 96 * time.Hour, false},
		{0, 96*time.Hour + time.Second, true},
		{72 * time.Hour, 72 * time.Hour, false},
		{72 * time.Hour, 72*time.Hour + time.Second, true},
		{72 * time.Hour, -100 * time.Hour, false},
	} {
		o.Tolerance = c.tolerance
		_, err := provider(t, o).Parse(r, at.Add(c.off))
		if c.stale != (err != nil) || err != nil && callbacktest.ReasonOf(t, err) != callback.StaleTimestamp {
			t.Errorf("tolerance %s, %s later: %v, want stale %v", c.tolerance, c.off, err, c.stale)
		}
	}
}

func TestForgedAndStaleIsForged(t *testing.T) {
	o, key := throwaway()
	o.Tolerance = time.Hour
	r := sign(t, signer(t, o, key))
	r.Body = append(r.Body, ' ')
	refused(t, provider(t, o), r, at.Add(2*time.Hour), callback.BadSignature)
}

func TestOnlyPost(t *testing.T) {
	o, key := throwaway()
	p, r := provider(t, o), sign(t, signer(t, o, key))
	r.Method = http.MethodGet
	_, err := p.Parse(r, at)
	if callbacktest.ReasonOf(t, err) != callback.MethodNotAllowed || p.Answer(err).Status != http.StatusMethodNotAllowed {
		t.Errorf("%v, answered %+v", err, p.Answer(err))
	}
}

func TestAnswers(t *testing.T) {
	o, _ := throwaway()
	p := provider(t, o)
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{callback.Refuse(callback.MissingHeader, "detail"), 401, `"code":"refused"`},
		{callback.Reject("detail"), 400, `"code":"malformed"`},
		{errors.New("disk: append: no space"), 503, `"code":"unavailable"`},
	} {
		a := p.Answer(c.err)
		if a.Status != c.status || !strings.Contains(a.Body, c.code) || strings.Contains(a.Body, "detail") {
			t.Errorf("Answer(%v) = %+v, want %d with %s", c.err, a, c.status, c.code)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	good, key := throwaway()
	for want, change := range map[string]func(*paypal.Options){
		"webhook_id: set 1 to 8": func(o *paypal.Options) { o.WebhookID = nil },
		"webhook_id: set 1 to":   func(o *paypal.Options) { o.WebhookID = make(callback.List, 9) },
		"webhook_id: number 2":   func(o *paypal.Options) { o.WebhookID = callback.List{"1JE", ""} },
		"number 1 must be up to": func(o *paypal.Options) { o.WebhookID = callback.List{strings.Repeat("1", 51)} },
		"cert_hosts: \"api.pay":  func(o *paypal.Options) { o.CertHosts = callback.List{"api.paypal.com.evil.example"} },
		"\"https://api.paypal":   func(o *paypal.Options) { o.CertHosts = callback.List{"https://api.paypal.com"} },
		"\"evilpaypal.com\"":     func(o *paypal.Options) { o.CertHosts = callback.List{"evilpaypal.com"} },
		"\".paypal.com\"":        func(o *paypal.Options) { o.CertHosts = callback.List{".paypal.com"} },
		"\"API.paypal.com\"":     func(o *paypal.Options) { o.CertHosts = callback.List{"API.paypal.com"} },
		"paypal.com:443\" is no": func(o *paypal.Options) { o.CertHosts = callback.List{"api.paypal.com:443"} },
		"tolerance: -1ns":        func(o *paypal.Options) { o.Tolerance = -1 },
		"fields: only":           func(o *paypal.Options) { o.Fields.Amount = "a" },
		"trusted_roots: this is": func(o *paypal.Options) { o.TrustedRoots = "topsecret" },
		"trusted_roots: this":    func(o *paypal.Options) { o.TrustedRoots = key },
		"https://x: this is not": func(o *paypal.Options) { o.Certificates = map[string]string{"https://x": key} },
		"certificates: https":    func(o *paypal.Options) { o.Certificates = map[string]string{"https://x": ""} },
	} {
		o := good
		change(&o)
		_, err := paypal.New(o)
		if err == nil || !strings.HasPrefix(err.Error(), "paypal: ") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%v, want %q and no secret", err, want)
		}
	}
	if _, err := paypal.New(paypal.Options{WebhookID: good.WebhookID}); err != nil {
		t.Errorf("the least settings: %v", err)
	}
}

func TestOtherURLThanThePinnedOnes(t *testing.T) {
	o, key := throwaway()
	p, r := provider(t, o), sign(t, signer(t, o, key))
	p.Reach(nobody(t), nil)
	refused(t, p, with(r, "Paypal-Cert-Url", "https://api.paypal.com/v1/notifications/certs/CERT-other"), at, callback.UnknownKey)
}

func TestPinnedForOneOfTwoHosts(t *testing.T) {
	o, key := throwaway()
	r := sign(t, signer(t, o, key))
	o.CertHosts = callback.List{"api.sandbox.paypal.com"}
	refused(t, provider(t, o), r, at, callback.UntrustedCert)
	if _, err := paypal.NewSigner(o, key); err == nil {
		t.Error("a signer whose certificate counts for nothing")
	}
}

func first(m map[string]string) string { return slices.Sorted(maps.Keys(m))[0] }
