package alipay

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

func TestVectors(t *testing.T) { callbacktest.Vectors(t, New) }

func TestRoundTrips(t *testing.T) {
	o, key := throwaway()
	p, s := mustNew(t, o), mustSigner(t, o, key)
	all := []relay.Status{relay.Pending, relay.Paid, relay.Closed, relay.Refunded}
	callbacktest.RoundTrips(t, p, s, callback.Notification{}, all...)
	callbacktest.RoundTrips(t, p, s, callback.Notification{
		Payment:       "订单/1001 und Co=+%",
		Amount:        "129",
		Currency:      "CNY",
		ID:            "2026112200222",
		TransactionID: "2026112222001",
		Time:          time.Date(2026, 11, 22, 7, 59, 58, 0, time.UTC),
	}, all...)
}

func TestSignRefusesWhatAlipayCannotSay(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	for name, n := range map[string]callback.Notification{
		"dollars":         {Currency: "USD"},
		"three decimals":  {Amount: "1.005"},
		"negative amount": {Amount: "-1.00"},
		"payment id":      {Payment: "a\nb"},
	} {
		if _, err := s.Sign(n, testNow); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	_, err := s.Sign(callback.Notification{Status: relay.Failed}, testNow)
	if err == nil || !strings.Contains(err.Error(), "pending, paid, closed and refunded") {
		t.Errorf("failed: %v, want the statuses that there are", err)
	}
}

// TestBitFlips uses a form that is escaped as little as possible: the case of a hexadecimal digit in an escape is the
// one bit that may change without changing what is signed.
func TestBitFlips(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	for i := range 10_000 {
		values := values(t, s, callback.Notification{ID: strings.Repeat("n", i%50) + callback.Digits(rand.Text(), 20)})
		body := "out_trade_no=A-1&trade_status=TRADE_SUCCESS&total_amount=88.88&notify_id=" + values["notify_id"]
		f, _ := parseForm([]byte(body))
		sign := sign(t, s, string(f.text()))
		if strings.Contains(sign, "+") { // would have to be escaped
			continue
		}
		body += "&sign_type=RSA2&sign=" + sign
		callbacktest.BitFlips(t, mustNew(t, o), post(body), testNow)
		return
	}
	t.Fatal("no signature without a plus")
}

func TestHexDigitsOfEitherCase(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	body := signed(t, s, map[string]string{"out_trade_no": "A/1", "trade_status": success, "notify_id": "n"})
	if !strings.Contains(body, "%2F") {
		t.Fatal("nothing to change")
	}
	body = strings.ReplaceAll(body, "%2F", "%2f")
	accepted(t, mustNew(t, o), body)
}

func TestAnswer(t *testing.T) {
	o, _ := throwaway()
	p := mustNew(t, o)
	for name, c := range map[string]struct {
		err  error
		want callback.Answer
	}{
		"stored":     {nil, callback.Answer{Status: 200, ContentType: "text/plain", Body: "success"}},
		"forged":     {callback.Refuse(callback.BadSignature, ""), callback.Answer{Status: 401, ContentType: "text/plain", Body: "fail"}},
		"account":    {callback.Refuse(callback.WrongAccount, ""), callback.Answer{Status: 401, ContentType: "text/plain", Body: "fail"}},
		"malformed":  {callback.Reject("x"), callback.Answer{Status: 400, ContentType: "text/plain", Body: "fail"}},
		"GET":        {callback.Refuse(callback.MethodNotAllowed, ""), callback.Answer{Status: 405, ContentType: "text/plain", Body: "fail"}},
		"large":      {callback.Refuse(callback.TooLarge, ""), callback.Answer{Status: 413, ContentType: "text/plain", Body: "fail"}},
		"not stored": {errors.New("disk full"), callback.Answer{Status: 503, ContentType: "text/plain", Body: "fail"}},
	} {
		if got := p.Answer(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestNewNamesTheSettingToChange(t *testing.T) {
	o, key := throwaway()
	short := publicPEM(shortKey())
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no key":               {func(o *Options) { o.PublicKey = nil }, "public_key"},
		"empty key":            {func(o *Options) { o.PublicKey = callback.List{""} }, "public_key"},
		"private key":          {func(o *Options) { o.PublicKey = callback.List{key} }, "public_key: this is a private key"},
		"certificate as key":   {func(o *Options) { o.PublicKey = callback.List{certificate(t, 1)} }, "put it under certificates"},
		"key as certificate":   {func(o *Options) { o.Certificates = o.PublicKey }, "certificates[0]"},
		"short for RSA2":       {func(o *Options) { o.PublicKey = callback.List{short} }, "1024 bits"},
		"short beside RSA2":    {func(o *Options) { o.PublicKey, o.SignTypes = callback.List{short}, callback.List{"RSA", "RSA2"} }, "1024 bits"},
		"algorithm":            {func(o *Options) { o.SignTypes = callback.List{"MD5"} }, "sign_types"},
		"empty app_id":         {func(o *Options) { o.AppID = callback.List{""} }, "app_id"},
		"empty seller_id":      {func(o *Options) { o.SellerID = callback.List{"2088", ""} }, "seller_id"},
		"amount field":         {func(o *Options) { o.Fields.Amount = "receipt_amount" }, "fields.payment"},
		"unsigned payment":     {func(o *Options) { o.Fields.Payment = "sign_type" }, "fields.payment"},
		"payment by signature": {func(o *Options) { o.Fields.Payment = "alipay_cert_sn" }, "fields.payment"},
	} {
		changed := o
		c.change(&changed)
		_, err := New(changed)
		if err == nil || !strings.HasPrefix(err.Error(), "alipay: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		} else if strings.Contains(err.Error(), "MII") {
			t.Errorf("%s: the error repeats a key: %v", name, err)
		}
	}
	if _, err := NewSigner(o, "MIIBVgIBADANBgkqhkiG9w0BAQEFAASC"); err == nil || strings.Contains(err.Error(), "MII") {
		t.Errorf("broken signing key: %v", err)
	}
	if _, err := NewSigner(o, privatePEM(shortKey())); err == nil {
		t.Error("a signing key that belongs to no configured key is taken")
	}
}

// TestRefusalsRepeatNothing holds refusals to their promise: no key, no signature, no value of the body.
func TestRefusalsRepeatNothing(t *testing.T) {
	o, key := throwaway()
	s, p := mustSigner(t, o, key), mustNew(t, o)
	for name, change := range map[string]func(map[string]string){
		"amount":  func(v map[string]string) { v["total_amount"] = "marker-1" },
		"refund":  func(v map[string]string) { v["refund_fee"] = "marker-2" },
		"charset": func(v map[string]string) { v["charset"] = "marker-3" },
		"app_id":  func(v map[string]string) { v["app_id"] = "marker-4" },
		"seller":  func(v map[string]string) { v["seller_id"] = "marker-5" },
		"cert":    func(v map[string]string) { v["alipay_cert_sn"] = "marker-6" },
		"joined":  func(v map[string]string) { v["subject"] = "marker-7&app_id=1" },
	} {
		values := values(t, s, callback.Notification{})
		change(values)
		body := signed(t, s, values)
		_, err := p.Parse(post(body), testNow)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "marker") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, v := range callbacktest.Each(t) {
		f, _ := parseForm(v.Request.Body)
		o := callbacktest.Decode[Options](t, v.Config)
		_, err := mustNew(t, o).Parse(v.Request, v.Now)
		if err == nil {
			continue
		}
		for _, secret := range slices.Concat(o.PublicKey, o.Certificates, callback.List{f.get("sign"), f.get("out_trade_no")}) {
			if secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	}
}

func TestOnlyPostsAreNotices(t *testing.T) {
	o, key := throwaway()
	r := post(signed(t, mustSigner(t, o, key), nil))
	for _, method := range []string{http.MethodGet, http.MethodPut, "post", ""} {
		r.Method = method
		_, err := mustNew(t, o).Parse(r, testNow)
		if reason(err) != callback.MethodNotAllowed {
			t.Errorf("%q: %v", method, err)
		}
	}
}
