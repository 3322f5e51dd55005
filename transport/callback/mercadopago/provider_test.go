package mercadopago_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mercadopago"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func throwaway(t testing.TB) mercadopago.Options {
	t.Helper()
	o, key, err := mercadopago.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	return o
}

func provider(t testing.TB, o mercadopago.Options) *mercadopago.Provider {
	t.Helper()
	p, err := mercadopago.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestVectors(t *testing.T) { callbacktest.Vectors(t, mercadopago.New) }

// Bits of the body are another matter: it is not signed.
func TestBitFlips(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		if v.Name != "payment-updated" {
			continue
		}
		p := provider(t, callbacktest.Decode[mercadopago.Options](t, v.Config))
		for _, name := range []string{"X-Signature", "X-Request-Id"} {
			value := []byte(v.Request.Header.Get(name))
			for bit := range len(value) * 8 {
				value[bit/8] ^= 1 << (bit % 8)
				r := v.Request
				r.Header = r.Header.Clone()
				r.Header[name] = []string{string(value)}
				if events, err := p.Parse(r, v.Now); err == nil {
					t.Errorf("%s with bit %d changed: %+v", name, bit, events)
				}
				value[bit/8] ^= 1 << (bit % 8)
			}
		}
	}
}

const request = "5a7d6f56-143b-4b5f-aa5a-6d96771a4de3"

// body is a webhook's about the payment.
func body(id string) string {
	return `{"id":112233445566,"live_mode":false,"type":"payment","date_created":"2026-11-22T02:00:00.000-04:00","user_id":44444,` +
		`"api_version":"v1","action":"payment.updated","data":{"id":"` + id + `"}}`
}

// reason parses a webhook and returns why it is refused, empty if it is not.
func reason(t testing.TB, o mercadopago.Options, r callback.Request) callback.Reason {
	t.Helper()
	events, err := provider(t, o).Parse(r, at)
	if err != nil {
		return callbacktest.ReasonOf(t, err)
	}
	if len(events) != 1 || !events[0].Fetch || events[0].TransactionID != "123" {
		t.Errorf("%+v, want 123 to fetch", events)
	}
	return ""
}

// Pairs without a value are left out of what is signed, so that one pair could be made to look like two.
func TestSignedTextShift(t *testing.T) {
	o := throwaway(t)
	stamp := strconv.FormatInt(at.Unix(), 10)
	if got := reason(t, o, mercadopago.Signed(t, o, "123", request, stamp, "data.id=123&type=payment", []byte(body("123")))); got != "" {
		t.Fatal(got)
	}
	joined := "123;request-id:" + request
	for name, r := range map[string]callback.Request{
		"request id in the id":    mercadopago.Signed(t, o, joined, "", stamp, "data.id=123%3Brequest-id:"+request, []byte(body(joined))),
		"id in the request id":    mercadopago.Signed(t, o, "", "x;id:123", stamp, "", []byte(body("123"))),
		"no id in the query":      mercadopago.Signed(t, o, "", request, stamp, "type=payment", []byte(body("123"))),
		"an id that is no number": mercadopago.Signed(t, o, "../123", request, stamp, "data.id=../123", []byte(body("../123"))),
		"a long id": mercadopago.Signed(t, o, strings.Repeat("1", 21), request, stamp, "data.id="+strings.Repeat("1", 21),
			[]byte(body(strings.Repeat("1", 21)))),
	} {
		if got := reason(t, o, r); got != callback.Malformed {
			t.Errorf("%s: %q, want malformed", name, got)
		}
	}
}

// The signed text is spelled out here, without what signs and verifies.
func TestPairsWithoutAValueAreLeftOut(t *testing.T) {
	o := throwaway(t)
	for text, c := range map[string]struct{ query, request string }{
		"id:123;request-id:" + request + ";ts:1795312798;": {"data.id=123", request},
		"id:123;ts:1795312798;":                            {"data.id=123", ""},
		"request-id:" + request + ";ts:1795312798;":        {"", request},
		"ts:1795312798;":                                   {"data.id=", ""},
	} {
		mac := hmac.New(sha256.New, []byte(o.Secrets[0]))
		mac.Write([]byte(text))
		r := mercadopago.Signed(t, o, "", c.request, "1795312798", c.query, []byte(`{"type":"order"}`))
		r.Header.Set("X-Signature", "ts=1795312798,v1="+hex.EncodeToString(mac.Sum(nil)))
		if events, err := provider(t, o).Parse(r, at); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want to have it accepted", text, events, err)
		}
	}
}

// The documentation and the official libraries say lower case or as it is, depending on their age.
func TestCaseOfTheID(t *testing.T) {
	o := throwaway(t)
	order := strings.Replace(body("ORD01ABC"), `"type":"payment"`, `"type":"order"`, 1)
	for signed, good := range map[string]bool{"ORD01ABC": true, "ord01abc": true, "Ord01abc": false} {
		r := mercadopago.Signed(t, o, signed, request, "1795312798", "data.id=ORD01ABC&type=order", []byte(order))
		if events, err := provider(t, o).Parse(r, at); good != (err == nil) || len(events) != 0 {
			t.Errorf("signed %s: %+v, %v; want accepted %v and nothing told", signed, events, err, good)
		}
	}
}

func TestTheBodyIsNotSigned(t *testing.T) {
	o := throwaway(t)
	for name, c := range map[string]struct {
		body string
		want callback.Reason
	}{
		"another payment":  {body("666"), callback.Malformed},
		"no data":          {`{"type":"payment","id":1}`, callback.Malformed},
		"no JSON":          {`{`, callback.Malformed},
		"an array":         {`[]`, callback.Malformed},
		"empty":            {``, callback.Malformed},
		"a number as id":   {strings.Replace(body("123"), `"123"`, `123`, 1), ""},
		"no action, no id": {`{"type":"payment","data":{"id":"123"}}`, ""},
		"a status":         {strings.Replace(body("123"), `{`, `{"status":"approved","transaction_amount":1,`, 1), ""},
	} {
		r := mercadopago.Signed(t, o, "123", request, "1795312798", "data.id=123", []byte(c.body))
		if got := reason(t, o, r); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestOtherTopicsAreAcknowledged(t *testing.T) {
	o := throwaway(t)
	for _, topic := range []string{"order", "topic_merchant_order_wh", "topic_chargebacks_wh", "subscription_preapproval", "automatic-payments", ""} {
		other := strings.Replace(body("123"), `"type":"payment"`, `"type":"`+topic+`"`, 1)
		r := mercadopago.Signed(t, o, "123", request, "1795312798", "data.id=123", []byte(other))
		if events, err := provider(t, o).Parse(r, at); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want nothing", topic, events, err)
		}
	}
}

// Notifications of QR-code payments have no signature, nor has the older kind, IPN.
func TestUnsignedQRIsRefused(t *testing.T) {
	o := throwaway(t)
	r := mercadopago.Signed(t, o, "123", request, "1795312798", "topic=payment&id=123", []byte(body("123")))
	r.Header.Del("X-Signature")
	if got := reason(t, o, r); got != callback.MissingHeader {
		t.Errorf("%q, want missing_header", got)
	}
}

func TestSignatureHeader(t *testing.T) {
	o := throwaway(t)
	good := mercadopago.Signed(t, o, "123", request, "1795312798", "data.id=123", []byte(body("123")))
	value := good.Header.Get("X-Signature")
	stamp, v1, _ := strings.Cut(value, ",")
	for _, c := range []struct {
		name   string
		values []string
		want   callback.Reason
	}{
		{"as it is", []string{value}, ""},
		{"the other way round", []string{v1 + "," + stamp}, ""},
		{"with spaces", []string{stamp + ", " + v1}, ""},
		{"with v2", []string{stamp + ",v2=ab," + v1}, ""},
		{"two headers", []string{value, value}, callback.DuplicateHeader},
		{"empty", []string{""}, callback.MissingHeader},
		{"no v1", []string{stamp + ",v2=ab"}, callback.MissingHeader},
		{"no ts", []string{v1}, callback.MissingHeader},
		{"empty v1", []string{stamp + ",v1="}, callback.MissingHeader},
		{"two v1", []string{value + "," + v1}, callback.Malformed},
		{"two ts", []string{stamp + "," + value}, callback.Malformed},
		{"no =", []string{value + ",x"}, callback.Malformed},
		{"many items", []string{value + strings.Repeat(",v2=ab", 20)}, callback.Malformed},
		{"ts of words", []string{"ts=now," + v1}, callback.Malformed},
		{"ts with a sign", []string{"ts=+1795312798," + v1}, callback.Malformed},
		{"ts too large", []string{"ts=17953127980000000," + v1}, callback.Malformed},
		{"upper-case hex", []string{stamp + ",v1=" + strings.ToUpper(strings.TrimPrefix(v1, "v1="))}, callback.BadSignature},
		{"half", []string{value[:len(value)-2]}, callback.BadSignature},
	} {
		r := good
		r.Header = http.Header{"X-Signature": c.values, "X-Request-Id": {request}}
		if got := reason(t, o, r); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	good.Header["X-Request-Id"] = []string{request, request}
	if got := reason(t, o, good); got != callback.DuplicateHeader {
		t.Errorf("two request ids: %q", got)
	}
	good.Header["X-Request-Id"] = []string{request}
	for _, query := range []string{"data.id=123&data.id=123", "data.id=%zz", "data.id=123;x"} {
		good.URL.RawQuery = query
		if got := reason(t, o, good); got != callback.Malformed {
			t.Errorf("%s: %q, want malformed", query, got)
		}
	}
	good.URL = nil
	if got := reason(t, o, good); got != callback.BadSignature {
		t.Errorf("without an address: %q", got)
	}
}

func TestSecondsOrMilliseconds(t *testing.T) {
	for _, c := range []struct {
		tolerance, off time.Duration
		want           callback.Reason
	}{
		{0, 365 * 24 * time.Hour, ""},
		{0, -365 * 24 * time.Hour, ""},
		{time.Minute, time.Minute, ""},
		{time.Minute, -time.Minute, ""},
		{time.Minute, 61 * time.Second, callback.StaleTimestamp},
		{time.Minute, -61 * time.Second, callback.FutureTimestamp},
	} {
		o := throwaway(t)
		o.Tolerance = c.tolerance
		signed := at.Add(-c.off)
		for _, stamp := range []int64{signed.Unix(), signed.UnixMilli()} {
			r := mercadopago.Signed(t, o, "123", request, strconv.FormatInt(stamp, 10), "data.id=123", []byte(body("123")))
			if got := reason(t, o, r); got != c.want {
				t.Errorf("tolerance %s, signed %d, %s before: %q, want %q", c.tolerance, stamp, c.off, got, c.want)
			}
		}
	}
}

func TestEverySecretIsTried(t *testing.T) {
	o, old := throwaway(t), throwaway(t)
	r := mercadopago.Signed(t, old, "123", "", "1795312798", "data.id=123", []byte(body("123")))
	if got := reason(t, o, r); got != callback.BadSignature {
		t.Errorf("%q, want bad_signature", got)
	}
	o.Secrets = append(o.Secrets, old.Secrets[0])
	if got := reason(t, o, r); got != "" {
		t.Error(got)
	}
}

func TestOnlyPost(t *testing.T) {
	o := throwaway(t)
	r := mercadopago.Signed(t, o, "123", request, "1795312798", "data.id=123", []byte(body("123")))
	r.Method = http.MethodGet
	if got := reason(t, o, r); got != callback.MethodNotAllowed {
		t.Error(got)
	}
}

func TestAnswers(t *testing.T) {
	p := provider(t, throwaway(t))
	for _, c := range []struct {
		err    error
		status int
	}{{nil, 200}, {callback.Refuse(callback.BadSignature, ""), 401}, {callback.Reject(""), 400}, {errors.New("busy"), 503}} {
		if a := p.Answer(c.err); a.Status != c.status {
			t.Errorf("Answer(%v) = %+v, want %d", c.err, a, c.status)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	good := []string{"a"}
	for want, o := range map[string]mercadopago.Options{
		"set secrets":          {},
		"number 2 is empty":    {Secrets: []string{"a", ""}},
		"number 1":             {Secrets: []string{"topsecret "}},
		"tolerance":            {Secrets: good, Tolerance: -1},
		"api_key: has white":   {Secrets: good, APIKey: "topsecret\n"},
		"api_base: must begin": {Secrets: good, APIBase: "http://api.mercadopago.com"},
		"leave out /v1":        {Secrets: good, APIBase: "https://api.mercadopago.com/v1"},
		"collector_id":         {Secrets: good, CollectorID: callback.List{""}},
		"fields: only":         {Secrets: good, Fields: callback.Fields{Amount: "x"}},
	} {
		_, err := mercadopago.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%v, want %q and no secret", err, want)
		}
	}
	if err := provider(t, mercadopago.Options{Secrets: good}).Ready(); err == nil || !strings.Contains(err.Error(), "api_key") {
		t.Errorf("Ready without a key: %v", err)
	}
}
