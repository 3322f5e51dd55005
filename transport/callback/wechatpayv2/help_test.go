package wechatpayv2_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
)

var at = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func throwaway(t testing.TB) wechatpayv2.Options {
	t.Helper()
	o, key, err := wechatpayv2.Throwaway()
	if err != nil || key != "" {
		t.Fatalf("Throwaway: key %q, %v", key, err)
	}
	o.MchID, o.AppID = callback.List{"1900000109"}, callback.List{"wx8888888888888888"}
	return o
}

func provider(t testing.TB, o wechatpayv2.Options) *wechatpayv2.Provider {
	t.Helper()
	p, err := wechatpayv2.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signer(t testing.TB, o wechatpayv2.Options) *wechatpayv2.Signer {
	t.Helper()
	s, err := wechatpayv2.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// elements are those of a notice.
type elements map[string]string

// paid is the notice of a payment, without its signature.
var paid = elements{
	"appid": "wx8888888888888888", "mch_id": "1900000109", "nonce_str": "5K8264ILTKCH16CQ", "return_code": "SUCCESS",
	"result_code": "SUCCESS", "out_trade_no": "order-1", "transaction_id": "4200000001", "total_fee": "1130",
	"fee_type": "CNY", "time_end": "20261122100000", "attach": "",
}

// with returns e with one element changed.
func (e elements) with(name, text string) elements {
	e = maps.Clone(e)
	e[name] = text
	return e
}

// text is WeChat Pay's rule written down a second time.
func (e elements) text() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if e[name] != "" && name != "sign" {
			pairs = append(pairs, name+"="+e[name])
		}
	}
	return strings.Join(pairs, "&")
}

func sign(signType, key, text string) string {
	h := md5.New()
	if signType == "HMAC-SHA256" {
		h = hmac.New(sha256.New, []byte(key))
	}
	h.Write([]byte(text + "&key=" + key))
	return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
}

// signed is e with a signature by the first of o's keys, in the first way that o allows.
func (e elements) signed(o wechatpayv2.Options) elements {
	return e.with("sign", sign(o.SignType.First("MD5"), o.APIv2Key[0], e.text()))
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (e elements) xml(root string) string {
	var b strings.Builder
	b.WriteString("<" + root + ">")
	for name, text := range e {
		b.WriteString("<" + name + ">" + escape.Replace(text) + "</" + name + ">")
	}
	return b.String() + "</" + root + ">"
}

func (e elements) post() callback.Request { return post(e.xml("xml")) }

func post(body string) callback.Request {
	return callback.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"text/xml"}}, Body: []byte(body)}
}

// one parses a genuine notice with one event and returns it.
func one(t testing.TB, o wechatpayv2.Options, r callback.Request) callback.Event {
	t.Helper()
	events, err := provider(t, o).Parse(r, at)
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %+v, %v; want one event", r.Body, events, err)
	}
	if err := callbacktest.Wellformed(events[0]); err != nil {
		t.Errorf("%v: %+v", err, events[0])
	}
	return events[0]
}

// refused checks that r is refused for the reason, as one that did not prove where it comes from.
func refused(t testing.TB, what string, o wechatpayv2.Options, r callback.Request, want callback.Reason) {
	t.Helper()
	events, err := provider(t, o).Parse(r, at)
	if err == nil || len(events) != 0 || callbacktest.ReasonOf(t, err) != want || err.(*callback.Refusal).Genuine {
		t.Errorf("%s: %+v, %v; want %s", what, events, err, want)
		return
	}
	for _, key := range o.APIv2Key {
		if strings.Contains(err.Error(), key) {
			t.Errorf("%s: the refusal repeats a key", what)
		}
	}
}
