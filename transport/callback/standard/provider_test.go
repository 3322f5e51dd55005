package standard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/format"
	"github.com/tillbell/tillbell/transport/callback/standard"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func throwaway(t testing.TB) standard.Options {
	t.Helper()
	o, key, err := standard.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	return o
}

func provider(t testing.TB, o standard.Options) *standard.Provider {
	t.Helper()
	p, err := standard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signer(t testing.TB, o standard.Options, key string) *standard.Signer {
	t.Helper()
	s, err := standard.NewSigner(o, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t testing.TB, s *standard.Signer, n callback.Notification) callback.Request {
	t.Helper()
	r, err := s.Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// post returns a callback with the given body.
func post(t testing.TB, o standard.Options, body string) callback.Request {
	t.Helper()
	return standard.SignBody(t, o, "msg_1", at, []byte(body))
}

func parse(t testing.TB, o standard.Options, body string) ([]callback.Event, error) {
	t.Helper()
	return provider(t, o).Parse(post(t, o, body), at)
}

// one returns the event of a body that has one.
func one(t testing.TB, o standard.Options, body string) callback.Event {
	t.Helper()
	events, err := parse(t, o, body)
	if err != nil || len(events) != 1 {
		t.Fatalf("Parse(%s): %+v, %v; want one event", body, events, err)
	}
	return events[0]
}

func TestVectors(t *testing.T) { callbacktest.Vectors(t, standard.New) }

func TestBitFlips(t *testing.T) {
	headers := []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}
	for _, v := range callbacktest.Each(t) {
		if v.Name == "v1-payment-succeeded" || v.Name == "v1a-payment-succeeded" {
			p := provider(t, callbacktest.Decode[standard.Options](t, v.Config))
			callbacktest.BitFlips(t, p, v.Request, v.Now, headers...)
		}
	}
}

func TestSvixHeaders(t *testing.T) {
	o := throwaway(t)
	r := post(t, o, `{"type":"payment.paid","data":{"order_id":"a"}}`)
	for _, name := range []string{"Id", "Timestamp", "Signature"} {
		r.Header.Set("Svix-"+name, r.Header.Get("Webhook-"+name))
		r.Header.Del("Webhook-" + name)
	}
	if events, err := provider(t, o).Parse(r, at); err != nil || len(events) != 1 || events[0].ID != "msg_1" {
		t.Errorf("%+v, %v; want the event msg_1", events, err)
	}
	r.Header.Set("Webhook-Id", "msg_1")
	if _, err := provider(t, o).Parse(r, at); callbacktest.ReasonOf(t, err) != callback.MissingHeader {
		t.Errorf("both families mixed: %v, want missing_header", err)
	}
}

func TestWindowPassesAtItsEdges(t *testing.T) {
	o := throwaway(t)
	r := post(t, o, `{"type":"payment.paid","data":{"order_id":"a"}}`)
	for _, c := range []struct {
		tolerance, off time.Duration
		want           callback.Reason
	}{
		{0, 300 * time.Second, ""},
		{0, -300 * time.Second, ""},
		{0, 301 * time.Second, callback.StaleTimestamp},
		{0, -301 * time.Second, callback.FutureTimestamp},
		{time.Minute, 60 * time.Second, ""},
		{time.Minute, 61 * time.Second, callback.StaleTimestamp},
	} {
		o.Tolerance = c.tolerance
		_, err := provider(t, o).Parse(r, at.Add(c.off))
		if c.want == "" && err != nil || c.want != "" && (err == nil || callbacktest.ReasonOf(t, err) != c.want) {
			t.Errorf("tolerance %s, %s later: %v, want %q", c.tolerance, c.off, err, c.want)
		}
	}
}

func TestForgedAndStaleIsForged(t *testing.T) {
	r := post(t, throwaway(t), `{}`)
	if _, err := provider(t, throwaway(t)).Parse(r, at.Add(time.Hour)); callbacktest.ReasonOf(t, err) != callback.BadSignature {
		t.Errorf("%v, want bad_signature", err)
	}
}

func TestOnlyPost(t *testing.T) {
	o := throwaway(t)
	r := post(t, o, `{}`)
	r.Method = http.MethodPut
	p := provider(t, o)
	_, err := p.Parse(r, at)
	if callbacktest.ReasonOf(t, err) != callback.MethodNotAllowed || p.Answer(err).Status != http.StatusMethodNotAllowed {
		t.Errorf("%v, answered %+v", err, p.Answer(err))
	}
}

func TestManySignaturesAreRefused(t *testing.T) {
	o := throwaway(t)
	r := post(t, o, `{}`)
	r.Header.Set("Webhook-Signature", strings.Repeat("v1a,AAAA ", 20)+r.Header.Get("Webhook-Signature"))
	if _, err := provider(t, o).Parse(r, at); callbacktest.ReasonOf(t, err) != callback.BadSignature {
		t.Errorf("%v, want bad_signature", err)
	}
}

func TestAnswers(t *testing.T) {
	p := provider(t, throwaway(t))
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{nil, 200, `{}`},
		{callback.Refuse(callback.BadSignature, "detail"), 401,
			`{"type":"about:blank","title":"Unauthorized","status":401,"code":"refused"}`},
		{callback.Reject("detail"), 400,
			`{"type":"about:blank","title":"Bad Request","status":400,"code":"malformed"}`},
		{callback.Refuse(callback.TooLarge, ""), 413,
			`{"type":"about:blank","title":"Request Entity Too Large","status":413,"code":"payload_too_large"}`},
		{errors.New("disk: append: no space"), 503,
			`{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable"}`},
	} {
		if a := p.Answer(c.err); a.Status != c.status || a.Body != c.body {
			t.Errorf("Answer(%v) = %+v, want %d %s", c.err, a, c.status, c.body)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	good := throwaway(t).Secrets[0]
	for name, c := range map[string]struct {
		o    standard.Options
		want string
	}{
		"no key":           {standard.Options{}, "set secrets"},
		"not base64":       {standard.Options{Secrets: []string{good, "whsec_topsecret!"}}, "number 2 is not base64"},
		"short":            {standard.Options{Secrets: []string{"whsec_c2hvcnQ="}}, "has 5 bytes"},
		"long":             {standard.Options{Secrets: []string{"whsec_" + strings.Repeat("AAAA", 22)}}, "has 66 bytes"},
		"public in secret": {standard.Options{Secrets: []string{"whpk_" + good[6:]}}, "belongs in public_keys"},
		"secret in public": {standard.Options{PublicKeys: []string{good}}, "does not start with whpk_"},
		"short public":     {standard.Options{PublicKeys: []string{"whpk_AAAA"}}, "32 bytes"},
		"tolerance":        {standard.Options{Secrets: []string{good}, Tolerance: -1}, "tolerance"},
		"unit":             {standard.Options{Secrets: []string{good}, Options: format.Options{AmountUnit: "cents"}}, "amount_unit"},
		"status": {standard.Options{Secrets: []string{good}, Options: format.Options{Statuses: map[string]string{"a": "done"}}},
			`statuses: "a" is "done"`},
		"final pending": {standard.Options{Secrets: []string{good}, Options: format.Options{Final: callback.List{"pending"}}}, "final: pending"},
		"final unknown": {standard.Options{Secrets: []string{good}, Options: format.Options{Final: callback.List{"done"}}}, `final: "done"`},
	} {
		_, err := standard.New(c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "standard: ") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
			continue
		}
		for _, secret := range append(c.o.Secrets, c.o.PublicKeys...) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error repeats a key: %v", name, err)
			}
		}
	}
}

func TestFinal(t *testing.T) {
	for _, c := range []struct {
		final callback.List
		want  []relay.Status
	}{
		{nil, []relay.Status{relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}},
		{callback.List{}, []relay.Status{relay.Paid, relay.Refunded, relay.RefundFailed}},
		{callback.List{"failed"}, []relay.Status{relay.Failed, relay.Paid, relay.Refunded, relay.RefundFailed}},
	} {
		o := throwaway(t)
		o.Final = c.final
		want := make(map[relay.Status]bool)
		for _, s := range c.want {
			want[s] = true
		}
		for _, s := range []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded,
			relay.RefundFailed} {
			e := one(t, o, `{"type":"payment.`+string(s)+`","data":{"order_id":"a"}}`)
			if e.Status != s || e.Final != want[s] {
				t.Errorf("final %v: %s is %s with final %v", c.final, s, e.Status, e.Final)
			}
		}
	}
}
