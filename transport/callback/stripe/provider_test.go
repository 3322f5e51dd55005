package stripe_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/stripe"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func throwaway(t testing.TB) stripe.Options {
	t.Helper()
	o, key, err := stripe.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	return o
}

func provider(t testing.TB, o stripe.Options) *stripe.Provider {
	t.Helper()
	p, err := stripe.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signer(t testing.TB, o stripe.Options) *stripe.Signer {
	t.Helper()
	s, err := stripe.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVectors(t *testing.T) { callbacktest.Vectors(t, stripe.New) }

func TestBitFlips(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		if v.Name == "payment-intent-succeeded" {
			p := provider(t, callbacktest.Decode[stripe.Options](t, v.Config))
			callbacktest.BitFlips(t, p, v.Request, v.Now, "Stripe-Signature")
		}
	}
}

func TestWindowLimitsTheAgeAlone(t *testing.T) {
	o := throwaway(t)
	r := stripe.SignBody(t, o, at, []byte(`{"object":"event","id":"evt_1","type":"customer.created"}`))
	for _, c := range []struct {
		tolerance, off time.Duration
		stale          bool
	}{
		{0, 300 * time.Second, false},
		{0, 301 * time.Second, true},
		{0, -24 * time.Hour, false},
		{time.Minute, 60 * time.Second, false},
		{time.Minute, 61 * time.Second, true},
	} {
		o.Tolerance = c.tolerance
		_, err := provider(t, o).Parse(r, at.Add(c.off))
		if c.stale != (err != nil) || err != nil && callbacktest.ReasonOf(t, err) != callback.StaleTimestamp {
			t.Errorf("tolerance %s, %s later: %v, want stale %v", c.tolerance, c.off, err, c.stale)
		}
	}
}

func TestForgedAndStaleIsForged(t *testing.T) {
	r := stripe.SignBody(t, throwaway(t), at, []byte(`{}`))
	if _, err := provider(t, throwaway(t)).Parse(r, at.Add(time.Hour)); callbacktest.ReasonOf(t, err) != callback.BadSignature {
		t.Errorf("%v, want bad_signature", err)
	}
}

func TestSignatureHeaderIsStrict(t *testing.T) {
	o := throwaway(t)
	good := stripe.SignBody(t, o, at, []byte(`{}`)).Header.Get("Stripe-Signature")
	stamp, v1, _ := strings.Cut(good, ",")
	hex := strings.TrimPrefix(v1, "v1=")
	for name, c := range map[string]struct {
		header string
		want   callback.Reason
	}{
		"upper-case hex":  {stamp + ",v1=" + strings.ToUpper(hex), callback.BadSignature},
		"v0 alone":        {stamp + ",v0=" + hex, callback.BadSignature},
		"empty signature": {stamp + ",v1=", callback.BadSignature},
		"space":           {stamp + ", " + v1, callback.BadSignature},
		"two timestamps":  {stamp + "," + good, callback.Malformed},
		"item without =":  {stamp + ",x," + v1, callback.Malformed},
		"empty timestamp": {"t=," + v1, callback.Malformed},
		"signed +":        {"t=+" + strings.TrimPrefix(stamp, "t=") + "," + v1, callback.Malformed},
		"too many":        {stamp + strings.Repeat(",v1=00", 20) + "," + v1, callback.Malformed},
		"nothing":         {"", callback.MissingHeader},
	} {
		r := callback.Request{Method: "POST", Header: http.Header{"Stripe-Signature": {c.header}}, Body: []byte(`{}`)}
		if _, err := provider(t, o).Parse(r, at); err == nil || callbacktest.ReasonOf(t, err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestOnlyPost(t *testing.T) {
	o := throwaway(t)
	r := stripe.SignBody(t, o, at, []byte(`{}`))
	r.Method = http.MethodGet
	p := provider(t, o)
	_, err := p.Parse(r, at)
	if callbacktest.ReasonOf(t, err) != callback.MethodNotAllowed || p.Answer(err).Status != http.StatusMethodNotAllowed {
		t.Errorf("%v, answered %+v", err, p.Answer(err))
	}
}

func TestAnswers(t *testing.T) {
	p := provider(t, throwaway(t))
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
		if a.Status != c.status || !strings.Contains(a.Body, c.code) || strings.Contains(a.Body, "detail") ||
			a.ContentType != "application/problem+json" {
			t.Errorf("Answer(%v) = %+v, want %d with %s", c.err, a, c.status, c.code)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	for want, o := range map[string]stripe.Options{
		"set secrets":   {},
		"number 2 must": {Secrets: []string{"whsec_a", "sk_live_topsecret"}},
		"number 1 must": {Secrets: []string{"whsec_topsecret\n"}},
		"1 must start":  {Secrets: []string{"whsec_"}}, // a variable that was not filled in
		"tolerance":     {Secrets: []string{"whsec_a"}, Tolerance: -1},
		"fields: only":  {Secrets: []string{"whsec_a"}, Fields: callback.Fields{Payment: "id", Amount: "data.total"}},
	} {
		_, err := stripe.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%v, want %q and no secret", err, want)
		}
	}
}
