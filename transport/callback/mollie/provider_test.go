package mollie_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mollie"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func throwaway(t testing.TB) mollie.Options {
	t.Helper()
	o, key, err := mollie.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	return o
}

func provider(t testing.TB, o mollie.Options) *mollie.Provider {
	t.Helper()
	p, err := mollie.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestVectors(t *testing.T) { callbacktest.Vectors(t, mollie.New) }

func TestBitFlips(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		if v.Name == "next-gen-signed" {
			p := provider(t, callbacktest.Decode[mollie.Options](t, v.Config))
			callbacktest.BitFlips(t, p, v.Request, v.Now, "X-Mollie-Signature")
		}
	}
}

func form(body string) callback.Request {
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return callback.Request{Method: "POST", Header: h, Body: []byte(body)}
}

// Only an id of the known shape may ever be part of a URL.
func TestPathInjection(t *testing.T) {
	p := provider(t, mollie.Options{})
	for _, id := range []string{
		"", "tr_", "_a", "tr", "tr_a/b", "tr_a%2Fb", "tr_a%3Fx", "tr_a%23", "tr_a.b", "tr_..", "..%2F..%2Fv2%2Fmethods", "tr_a%00", "tr_a%0A", "tr_é",
		"Tr_a", "tr_a_b", "tr_a+b", "%20tr_a", "tr_" + strings.Repeat("a", 62), "tr_a&id=tr_b", "tr_%zz", "tr_a;x",
	} {
		events, err := p.Parse(form("id="+id), at)
		if err == nil || callbacktest.ReasonOf(t, err) != callback.Malformed {
			t.Errorf("%q: %+v, %v; want malformed", id, events, err)
		}
	}
	if _, err := p.Parse(form("id=tr_a&x="+strings.Repeat("a", 2<<10)), at); err == nil {
		t.Error("a form of 2 KiB is read")
	}
	events, err := p.Parse(form("id=tr_5B8cwPMGnU6qLbRvo7qEZo&testByMollie=1"), at)
	if err != nil || len(events) != 1 || !events[0].Fetch || events[0].TransactionID != "tr_5B8cwPMGnU6qLbRvo7qEZo" {
		t.Errorf("%+v, %v; want one to fetch", events, err)
	}
}

// Orders and subscriptions have webhooks too.
func TestOtherResourcesAreAcknowledged(t *testing.T) {
	if events, err := provider(t, mollie.Options{}).Parse(form("id=ord_kEn1PlbGa"), at); err != nil || len(events) != 0 {
		t.Errorf("%+v, %v; want nothing", events, err)
	}
	for _, body := range []string{event("balance-transaction.created", "baltr_1"), event("profile.blocked", "pfl_1"), event("hook.ping", "x")} {
		if events, err := parse(t, body); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want nothing", body, events, err)
		}
	}
}

// The official PHP library takes a call without a signature for a classic one and reports no error.
func TestUnsignedIsNotLegacy(t *testing.T) {
	_, err := provider(t, throwaway(t)).Parse(form("id=tr_stSQD4CfBz"), at)
	if err == nil || callbacktest.ReasonOf(t, err) != callback.MissingHeader {
		t.Errorf("%v, want missing_header", err)
	}
}

func TestSignedFormIsMalformed(t *testing.T) {
	_, err := parse(t, "id=tr_stSQD4CfBz")
	if r, ok := errors.AsType[*callback.Refusal](err); !ok || r.Reason != callback.Malformed || !r.Genuine {
		t.Errorf("%v, want malformed and genuine", err)
	}
}

func TestSignatureHeader(t *testing.T) {
	o := throwaway(t)
	p := provider(t, o)
	good := mollie.SignBody(t, o, []byte(event("payment.paid", "tr_1")))
	value := good.Header.Get("X-Mollie-Signature")
	bare := strings.TrimPrefix(value, "sha256=")
	for _, c := range []struct {
		name   string
		values []string
		want   callback.Reason
	}{
		{"with its prefix", []string{value}, ""},
		{"without", []string{bare}, ""},
		{"two", []string{value, value}, callback.DuplicateHeader},
		{"none", nil, callback.MissingHeader},
		{"empty", []string{""}, callback.MissingHeader},
		{"prefix alone", []string{"sha256="}, callback.BadSignature},
		{"twice prefixed", []string{"sha256=" + value}, callback.BadSignature},
		{"upper case", []string{"sha256=" + strings.ToUpper(bare)}, callback.BadSignature},
		{"sha1", []string{"sha1=" + bare}, callback.BadSignature},
		{"space", []string{value + " "}, callback.BadSignature},
	} {
		r := good
		r.Header = http.Header{"X-Mollie-Signature": c.values}
		_, err := p.Parse(r, at)
		if c.want == "" && err != nil || c.want != "" && (err == nil || callbacktest.ReasonOf(t, err) != c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestEverySecretIsTried(t *testing.T) {
	o, old := throwaway(t), throwaway(t)
	r := mollie.SignBody(t, old, []byte(event("payment.paid", "tr_1")))
	if _, err := provider(t, o).Parse(r, at); err == nil || callbacktest.ReasonOf(t, err) != callback.BadSignature {
		t.Errorf("%v, want bad_signature", err)
	}
	o.Secrets = append(o.Secrets, old.Secrets[0])
	if events, err := provider(t, o).Parse(r, at); err != nil || len(events) != 1 {
		t.Errorf("%+v, %v; want an event", events, err)
	}
}

func event(kind, entity string) string {
	return `{"resource":"event","id":"event_1","type":"` + kind + `","entityId":"` + entity + `","_links":{"entity":{"href":` +
		`"https://api.mollie.com/v2/payments/tr_9/refunds/` + entity + `"}}}`
}

// parse signs any body.
func parse(t testing.TB, body string) ([]callback.Event, error) {
	t.Helper()
	o := throwaway(t)
	return provider(t, o).Parse(mollie.SignBody(t, o, []byte(body)), at)
}

func TestEventsNameWhatToFetch(t *testing.T) {
	for body, want := range map[string]string{
		event("payment.paid", "tr_1"):                        "tr_1",
		event("payment.created.later", "tr_1"):               "tr_1",
		event("payment-link.paid", "pl_1"):                   "pl_1",
		event("refund.processing", "re_1"):                   "tr_9", // by its address
		snapshot("tr_7"):                                     "tr_7",
		strings.Replace(snapshot("tr_7"), "tr_9", "tr_8", 1): "tr_7",
	} {
		events, err := parse(t, body)
		if err != nil || len(events) != 1 || !events[0].Fetch || events[0].TransactionID != want || events[0].ID != "event_1" {
			t.Errorf("%s: %+v, %v; want %s", body, events, err, want)
		}
	}
}

// snapshot is a refund's event with the full payload.
func snapshot(payment string) string {
	return strings.Replace(event("refund.refunded", "re_1"), "{", `{"_embedded":{"entity":{"id":"re_1","paymentId":"`+payment+`"}},`, 1)
}

func TestMalformedAfterAGoodSignature(t *testing.T) {
	for _, body := range []string{
		``, `[]`, `null`, `{`, "\xef\xbb\xbf" + event("payment.paid", "tr_1"), strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		`{}`, `{"resource":"payment","id":"tr_1","status":"paid"}`, `{"resource":"event","type":"payment.paid","entityId":"tr_1"}`,
		`{"resource":"event","id":"event_1","entityId":"tr_1"}`, event("payment.paid", ""), event("payment.paid", "../methods"),
		event("payment.paid", "re_1"), strings.Replace(event("refund.failed", "re_1"), "tr_9", "../x", 1), snapshot("tr_9/captures"),
	} {
		events, err := parse(t, body)
		if r, ok := errors.AsType[*callback.Refusal](err); !ok || r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%.80s: %+v, %v; want malformed and genuine", body, events, err)
		}
	}
}

func TestOnlyPost(t *testing.T) {
	p := provider(t, mollie.Options{})
	r := form("id=tr_1")
	r.Method = http.MethodGet
	_, err := p.Parse(r, at)
	if callbacktest.ReasonOf(t, err) != callback.MethodNotAllowed || p.Answer(err).Status != http.StatusMethodNotAllowed {
		t.Errorf("%v, answered %+v", err, p.Answer(err))
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	for want, o := range map[string]mollie.Options{
		"style:":             {Style: "legacy"},
		"not signed":         {Secrets: []string{"topsecret"}},
		"set secrets":        {Style: "next-gen"},
		"number 2 is empty":  {Style: "next-gen", Secrets: []string{"a", ""}},
		"number 1":           {Style: "next-gen", Secrets: []string{"topsecret\n"}},
		"api_key: has white": {APIKey: "topsecret\n"},
		"api_base: must":     {APIBase: "http://api.mollie.com"},
		"leave out /v2":      {APIBase: "https://api.mollie.com/v2/"},
		"profile_id":         {ProfileID: callback.List{""}},
		"fields: only":       {Fields: callback.Fields{Status: "status"}},
	} {
		_, err := mollie.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%v, want %q and no secret", err, want)
		}
	}
	if err := provider(t, mollie.Options{}).Ready(); err == nil || !strings.Contains(err.Error(), "api_key") {
		t.Errorf("Ready without a key: %v", err)
	}
	if err := provider(t, mollie.Options{APIKey: "live_1"}).Ready(); err != nil {
		t.Errorf("Ready with a key: %v", err)
	}
}
