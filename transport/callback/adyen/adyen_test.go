package adyen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/adyen"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

func TestVectors(t *testing.T) { callbacktest.Vectors(t, adyen.New) }

// Most of an item is not signed. Whatever bit of a call changes, it is refused or says what it said.
func TestBitFlips(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		o := callbacktest.Decode[adyen.Options](t, v.Config)
		p := provider(t, o)
		switch v.Name {
		case "platform-raw-body-hmac":
			callbacktest.BitFlips(t, p, v.Request, v.Now, "HmacSignature")
		case "authorisation-success", "refund-with-original-reference", "batch-of-two":
			want, err := p.Parse(v.Request, v.Now)
			if err != nil {
				t.Fatal(err)
			}
			refusals := 0
			body := bytes.Clone(v.Request.Body)
			for bit := range len(body) * 8 {
				body[bit/8] ^= 1 << (bit % 8)
				r := v.Request
				r.Body = body
				if got, err := p.Parse(r, v.Now); err != nil {
					refusals++
				} else if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %+v with bit %d of byte %d changed", v.Name, got, bit%8, bit/8)
				}
				body[bit/8] ^= 1 << (bit % 8)
			}
			if refusals < 1000 {
				t.Errorf("%s: %d changes are refused", v.Name, refusals)
			}
		}
	}
}

func TestSignatureIsStrict(t *testing.T) {
	o := throwaway(t)
	good := mac(t, o.HMACKeys[0], strings.Join(paid[:], ":"))
	for what, c := range map[string]struct {
		signature string
		want      callback.Reason
	}{
		"missing":       {"", callback.MissingHeader},
		"no padding":    {strings.TrimRight(good, "="), callback.BadSignature},
		"a space":       {good + " ", callback.BadSignature},
		"a line end":    {good + "\n", callback.BadSignature},
		"other bits":    {good[:42] + string(good[42]+1) + "=", callback.BadSignature}, // the same bytes to a lenient decoder
		"key as text":   {mac(t, "00"+o.HMACKeys[0], strings.Join(paid[:], ":")), callback.BadSignature},
		"seven fields":  {mac(t, o.HMACKeys[0], strings.Join(paid[:7], ":")), callback.BadSignature},
		"another order": {mac(t, o.HMACKeys[0], "order-1:PSP1::Shop:1130:EUR:AUTHORISATION:true"), callback.BadSignature},
	} {
		refused(t, what, o, post(t, paid.object(c.signature, nil)), c.want)
	}
}

// A signature that is no text is none.
func TestSignatureOfAnotherKind(t *testing.T) {
	for _, signature := range []any{nil, true, []string{"x"}, map[string]string{}} {
		item := paid.object("", map[string]any{"additionalData": map[string]any{"hmacSignature": signature}})
		refused(t, "signature", throwaway(t), post(t, item), callback.MissingHeader)
	}
}

func TestKeysAreAllTried(t *testing.T) {
	o := throwaway(t)
	old := o
	old.HMACKeys = o.HMACKeys[1:]
	if _, err := provider(t, o).Parse(post(t, paid.signed(t, old)), at); err != nil {
		t.Errorf("signed with the old key: %v", err)
	}
	old.HMACKeys = o.HMACKeys[:1]
	refused(t, "the old key was taken out", old, post(t, paid.signed(t, adyen.Options{HMACKeys: o.HMACKeys[1:]})),
		callback.BadSignature)
}

// A body in which nothing is signed is not genuine for want of an item to doubt.
func TestBodiesWithoutItems(t *testing.T) {
	for body, want := range map[string]callback.Reason{
		``:                                callback.Malformed,
		`[]`:                              callback.Malformed,
		`{`:                               callback.Malformed,
		`{}`:                              callback.MissingHeader,
		`{"notificationItems":[]}`:        callback.MissingHeader,
		`{"notificationItems":null}`:      callback.MissingHeader,
		`{"notificationItems":"x"}`:       callback.MissingHeader,
		`{"notificationItems":[{}]}`:      callback.MissingHeader,
		`{"notificationItems":{"a":{}}}`:  callback.MissingHeader,
		`{"notificationItems":[[],null]}`: callback.MissingHeader,
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000): callback.Malformed,
	} {
		r := callback.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)}
		_, err := provider(t, throwaway(t)).Parse(r, at)
		if callbacktest.ReasonOf(t, err) != want || err.(*callback.Refusal).Genuine {
			t.Errorf("%.60s: %+v, want %s and not genuine", body, err, want)
		}
	}
}

func TestCallsAreBounded(t *testing.T) {
	o := throwaway(t)
	var items []map[string]any
	for range 21 {
		items = append(items, paid.signed(t, o))
	}
	if events, err := provider(t, o).Parse(post(t, items[:20]...), at); err != nil || len(events) != 20 {
		t.Errorf("20 items: %d events, %v", len(events), err)
	}
	refused(t, "21 items", o, post(t, items...), callback.Malformed)
	item := paid.signed(t, o)
	item["reason"] = strings.Repeat("a", 255<<10)
	if _, err := provider(t, o).Parse(post(t, item), at); err != nil {
		t.Errorf("255 KiB: %v", err)
	}
	item["reason"] = strings.Repeat("a", 256<<10)
	refused(t, "256 KiB", o, post(t, item), callback.TooLarge)
}

func TestBasicAuthentication(t *testing.T) {
	o := throwaway(t)
	o.Username, o.Password = "adyen", "correct horse"
	r := post(t, paid.signed(t, o))
	refused(t, "without", o, r, callback.MissingHeader)
	for _, c := range []struct {
		username, password string
		ok                 bool
	}{
		{"adyen", "correct horse", true},
		{"adyen", "correct hors", false},
		{"adyen", "", false},
		{"adye", "ncorrect horse", false},
		{"Adyen", "correct horse", false},
	} {
		r.Header = http.Header{}
		(&http.Request{Header: r.Header}).SetBasicAuth(c.username, c.password)
		_, err := provider(t, o).Parse(r, at)
		if (err == nil) != c.ok || err != nil && callbacktest.ReasonOf(t, err) != callback.BadSignature {
			t.Errorf("%s, %s: %v", c.username, c.password, err)
		}
	}
	r.Header = http.Header{"Authorization": {"Bearer x"}}
	refused(t, "another scheme", o, r, callback.BadSignature)
	r.Header = http.Header{"Authorization": {"Basic eA==", "Basic eA=="}}
	refused(t, "twice", o, r, callback.DuplicateHeader)
	o.Username, o.Password = "", ""
	if _, err := provider(t, o).Parse(r, at); err != nil {
		t.Errorf("nothing configured: %v", err)
	}
	// It replaces no signature.
	o.Username, o.Password = "adyen", "correct horse"
	r = post(t, paid.object("AAAA", nil))
	(&http.Request{Header: r.Header}).SetBasicAuth(o.Username, o.Password)
	refused(t, "login without a signature", o, r, callback.BadSignature)
}

func TestPlatform(t *testing.T) {
	o := adyen.Options{Style: "platform", HMACKeys: throwaway(t).HMACKeys}
	body := `{"type":"balancePlatform.transfer.updated"}`
	good := mac(t, o.HMACKeys[1], body)
	call := func(h http.Header) callback.Request {
		return callback.Request{Method: http.MethodPost, Header: h, Body: []byte(body)}
	}
	for _, h := range []http.Header{
		{"Hmacsignature": {good}},
		{"Hmacsignature": {good}, "Protocol": {"HmacSHA256"}},
	} {
		if events, err := provider(t, o).Parse(call(h), at); err != nil || len(events) != 0 {
			t.Errorf("%v: %+v, %v; want nothing", h, events, err)
		}
	}
	for _, c := range []struct {
		header http.Header
		want   callback.Reason
	}{
		{http.Header{}, callback.MissingHeader},
		{http.Header{"Hmacsignature": {""}}, callback.MissingHeader},
		{http.Header{"Hmacsignature": {good, good}}, callback.DuplicateHeader},
		{http.Header{"Hmacsignature": {good}, "Protocol": {"HmacSHA256", "HmacSHA256"}}, callback.DuplicateHeader},
		{http.Header{"Hmacsignature": {good}, "Protocol": {"HmacSHA1"}}, callback.UnsupportedAlgorithm},
		{http.Header{"Hmacsignature": {good[1:]}}, callback.BadSignature},
	} {
		refused(t, "platform", o, call(c.header), c.want)
	}
	// The styles do not take each other's calls, whatever is signed.
	payments := throwaway(t)
	payments.HMACKeys = o.HMACKeys
	refused(t, "platform's at payments", payments, call(http.Header{"Hmacsignature": {good}}), callback.MissingHeader)
	refused(t, "payments' at platform", o, post(t, paid.signed(t, payments)), callback.MissingHeader)
}

func TestOnlyPost(t *testing.T) {
	o := throwaway(t)
	r := post(t, paid.signed(t, o))
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
		{callback.Refuse(callback.BadSignature, "detail"), 401, `"code":"refused"`},
		{callback.Reject("detail"), 400, `"code":"malformed"`},
		{errors.New("disk: append: no space"), 503, `"code":"unavailable"`},
	} {
		a := p.Answer(c.err)
		if a.Status != c.status || !strings.Contains(a.Body, c.code) || strings.Contains(a.Body, "detail") ||
			strings.Contains(a.Body, "accepted") {
			t.Errorf("Answer(%v) = %+v, want %d with %s", c.err, a, c.status, c.code)
		}
	}
	if a := p.Answer(nil); a.Status != 200 || a.Body != "[accepted]" {
		t.Errorf("acknowledged with %+v", a)
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	good := throwaway(t)
	for want, change := range map[string]func(*adyen.Options){
		"set hmac_keys":                         func(o *adyen.Options) { o.HMACKeys = nil },
		"hmac_keys: number 2 must be hex":       func(o *adyen.Options) { o.HMACKeys[1] = "topsecret" },
		"hmac_keys: number 1 must be hex":       func(o *adyen.Options) { o.HMACKeys[0] = "0123" },
		"style: \"standard\"":                   func(o *adyen.Options) { o.Style = "standard" },
		"capture: \"delayed\"":                  func(o *adyen.Options) { o.Capture = "delayed" },
		"leave out capture, merchant_account":   func(o *adyen.Options) { o.Style = "platform" },
		"username and password both":            func(o *adyen.Options) { o.Password = "topsecret" },
		"username and password both, or":        func(o *adyen.Options) { o.Username = "adyen" },
		"payment can only be merchantReference": func(o *adyen.Options) { o.Fields.Payment = "additionalData.metadata.order" },
		"fields: only payment":                  func(o *adyen.Options) { o.Fields.Amount = "amount.value" },
	} {
		o := good
		o.HMACKeys = append([]string(nil), good.HMACKeys...)
		change(&o)
		_, err := adyen.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%v, want %q and no secret", err, want)
		}
		if _, signing := adyen.NewSigner(o, ""); signing == nil && !strings.HasPrefix(want, "hmac_keys: number 2") {
			t.Errorf("%s: a signer", want)
		}
	}
	o := good
	o.Style, o.Capture, o.Fields.Payment = "payments", "auto", "merchantReference"
	if _, err := adyen.New(o); err != nil {
		t.Error(err)
	}
}

// The fields are signed as text, and an amount is a number in JSON.
func TestAmountAsNumberOrText(t *testing.T) {
	o := throwaway(t)
	signature := mac(t, o.HMACKeys[0], strings.Join(paid[:], ":"))
	for _, value := range []any{"1130", json.Number("1130")} {
		item := paid.object(signature, map[string]any{"amount": map[string]any{"value": value, "currency": "EUR"}})
		if events, err := provider(t, o).Parse(post(t, item), at); err != nil || events[0].Amount != "11.30" {
			t.Errorf("%T: %+v, %v", value, events, err)
		}
	}
	for _, value := range []any{json.Number("1130.0"), json.Number("113e1"), json.Number("1130.00000000000000001")} {
		item := paid.object(signature, map[string]any{"amount": map[string]any{"value": value, "currency": "EUR"}})
		refused(t, "another number", o, post(t, item), callback.BadSignature)
	}
}
