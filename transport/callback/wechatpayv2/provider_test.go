package wechatpayv2_test

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
)

func TestVectors(t *testing.T) { callbacktest.Vectors(t, wechatpayv2.New) }

// White space between the elements is not signed, nor is how XML writes a text. Whatever bit of a notice changes, it is
// refused or says what it said.
func TestBitFlips(t *testing.T) {
	for _, v := range callbacktest.Each(t) {
		if v.Name != "md5-paid" && v.Name != "hmac-sha256-paid" {
			continue
		}
		p := provider(t, callbacktest.Decode[wechatpayv2.Options](t, v.Config))
		want, err := p.Parse(v.Request, v.Now)
		if err != nil {
			t.Fatal(err)
		}
		refusals := 0
		body := bytes.Clone(v.Request.Body)
		for bit := range len(body) * 8 {
			body[bit/8] ^= 1 << (bit % 8)
			if got, err := p.Parse(post(string(body)), v.Now); err != nil {
				refusals++
			} else if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v with bit %d of byte %d changed", v.Name, got, bit%8, bit/8)
			}
			body[bit/8] ^= 1 << (bit % 8)
		}
		if all := len(body) * 8; refusals < all-100 {
			t.Errorf("%s: %d of %d changes are refused", v.Name, refusals, all)
		}
	}
}

func TestWholeEvent(t *testing.T) {
	o := throwaway(t)
	want := callback.Event{Type: "pay", Derived: true, Event: relay.Event{ID: "4200000001", Payment: "order-1",
		Status: relay.Paid, Final: true, Time: at, Amount: "11.30", Currency: "CNY", TransactionID: "4200000001",
		ProviderStatus: "SUCCESS"}}
	if e := one(t, o, paid.signed(o).post()); e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}

// Both codes must be SUCCESS, and so must the state where there is one.
func TestReturnCodeAloneIsNoPayment(t *testing.T) {
	o := throwaway(t)
	for _, c := range []struct {
		change elements
		want   relay.Status // empty for no event
	}{
		{nil, relay.Paid},
		{elements{"trade_state": "SUCCESS"}, relay.Paid},
		{elements{"result_code": "FAIL", "err_code": "NOTENOUGH"}, relay.Failed},
		{elements{"result_code": "FAIL", "transaction_id": ""}, relay.Failed},
		{elements{"result_code": ""}, ""},
		{elements{"result_code": "success"}, ""},
		{elements{"return_code": "FAIL"}, ""},
		{elements{"return_code": ""}, ""},
		{elements{"trade_state": "NOTPAY"}, ""},
		{elements{"trade_state": "REFUND"}, ""},
		{elements{"trade_state": "PAY_FAIL"}, ""},
		{elements{"total_fee": ""}, ""}, // the notice of a contract
	} {
		e := paid
		for name, text := range c.change {
			e = e.with(name, text)
		}
		events, err := provider(t, o).Parse(e.signed(o).post(), at)
		if err != nil || (len(events) == 1) != (c.want != "") {
			t.Errorf("%v: %+v, %v; want %q", c.change, events, err, c.want)
			continue
		}
		if c.want != "" && (events[0].Status != c.want || events[0].Final != (c.want == relay.Paid)) {
			t.Errorf("%v: %+v; want %s", c.change, events[0], c.want)
		}
	}
}

// What else is signed with the key is shown to payers: the QR code of a native payment, and what opens the wallet.
func TestOtherSignaturesOfTheKeyAreNoPayment(t *testing.T) {
	o := throwaway(t)
	for _, e := range []elements{
		{"appid": paid["appid"], "mch_id": paid["mch_id"], "time_stamp": "1795312800", "nonce_str": "x", "product_id": "order-1"},
		{"appId": paid["appid"], "timeStamp": "1795312800", "nonceStr": "x", "package": "prepay_id=wx1", "signType": "MD5"},
		{"appid": paid["appid"], "mch_id": paid["mch_id"], "out_trade_no": "order-1", "total_fee": "1", "nonce_str": "x"}, // an order
	} {
		if events, err := provider(t, o).Parse(e.signed(o).post(), at); err != nil || len(events) != 0 {
			t.Errorf("%v: %+v, %v; want nothing", e, events, err)
		}
	}
}

func TestAmounts(t *testing.T) {
	o := throwaway(t)
	for _, c := range []struct{ fee, currency, want, code string }{
		{"1", "", "0.01", "CNY"},
		{"1500", "HKD", "15.00", "HKD"},
		{"1500", "JPY", "1500", "JPY"},
		{"9007199254740993", "CNY", "90071992547409.93", "CNY"},
		{"1500", "XXX", "", "XXX"},
	} {
		e := one(t, o, paid.with("total_fee", c.fee).with("fee_type", c.currency).signed(o).post())
		if string(e.Amount) != c.want || e.Currency != c.code {
			t.Errorf("%s %s: %q %s, want %q %s", c.fee, c.currency, e.Amount, e.Currency, c.want, c.code)
		}
	}
	// Neither what the payer paid after coupons nor what is settled is the order's amount.
	e := one(t, o, paid.with("cash_fee", "1").with("settlement_total_fee", "2").with("coupon_fee", "3").signed(o).post())
	if e.Amount != "11.30" {
		t.Errorf("amount %q", e.Amount)
	}
}

// Times name no zone. They are China's, and nothing else is guessed.
func TestTimesAreChinas(t *testing.T) {
	o := throwaway(t)
	for text, want := range map[string]time.Time{
		"20261122080000":      time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		"20270101070000":      time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC),
		"":                    {},
		"20261322080000":      {},
		"2026-11-22 08:00:00": {},
		"00010101000000":      {},
	} {
		if e := one(t, o, paid.with("time_end", text).signed(o).post()); !e.Time.Equal(want) {
			t.Errorf("%s: %v, want %v", text, e.Time, want)
		}
	}
}

func TestMalformedAfterAGoodSignature(t *testing.T) {
	o := throwaway(t)
	for _, e := range []elements{
		paid.with("total_fee", "1.5"),
		paid.with("total_fee", "1e3"),
		paid.with("total_fee", "-100"),
		paid.with("total_fee", " 100"),
		paid.with("fee_type", "yuan"),
		paid.with("fee_type", "cny"),
		paid.with("transaction_id", ""),
		paid.with("transaction_id", strings.Repeat("4", 129)),
		paid.with("result_code", "FAIL").with("transaction_id", "").with("out_trade_no", ""),
	} {
		_, err := provider(t, o).Parse(e.signed(o).post(), at)
		if r, ok := err.(*callback.Refusal); !ok || r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%v: %v, want malformed and genuine", e, err)
		}
	}
}

func TestUnusablePayment(t *testing.T) {
	o := throwaway(t)
	for _, id := range []string{"", "..", "a\tb", strings.Repeat("a", 129)} {
		events, err := provider(t, o).Parse(paid.with("out_trade_no", id).signed(o).post(), at)
		callbacktest.Unusable(t, events, err)
	}
	o.Fields.Payment = "attach"
	if e := one(t, o, paid.with("attach", "cart-7").signed(o).post()); e.Payment != "cart-7" {
		t.Errorf("%+v, want the payment out of attach", e)
	}
	events, err := provider(t, o).Parse(paid.signed(o).post(), at)
	callbacktest.Unusable(t, events, err)
}

func TestAccount(t *testing.T) {
	o := throwaway(t)
	partner := paid.with("sub_mch_id", "1900000110").with("sub_appid", "wx9999999999999999")
	one(t, o, partner.signed(o).post())
	o.MchID, o.AppID = callback.List{"1900000110"}, callback.List{"wx9999999999999999"}
	one(t, o, partner.signed(o).post())
	refused(t, "another merchant", o, paid.with("appid", "wx9999999999999999").signed(o).post(), callback.WrongAccount)
	refused(t, "another app", o, paid.with("mch_id", "1900000110").signed(o).post(), callback.WrongAccount)
	o.MchID, o.AppID = nil, nil
	one(t, o, paid.signed(o).post())
	// The account is looked at once the signature holds.
	o.MchID = callback.List{"1"}
	refused(t, "forged", o, paid.with("sign", sign("HMAC-SHA256", o.APIv2Key[0], "x")).post(), callback.BadSignature)
}

func TestOnlyPost(t *testing.T) {
	o := throwaway(t)
	r := paid.signed(o).post()
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
		{nil, 200, "SUCCESS"},
		{callback.Refuse(callback.BadSignature, "detail"), 401, "FAIL"},
		{callback.Reject("detail"), 400, "FAIL"},
		{errors.New("disk: append: no space"), 503, "FAIL"},
	} {
		a := p.Answer(c.err)
		if a.Status != c.status || !strings.Contains(a.Body, "<return_code><![CDATA["+c.code+"]]></return_code>") ||
			strings.Contains(a.Body, "detail") || a.ContentType != "text/xml" {
			t.Errorf("Answer(%v) = %+v, want %d with %s", c.err, a, c.status, c.code)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	for want, change := range map[string]func(*wechatpayv2.Options){
		"set api_v2_key":                      func(o *wechatpayv2.Options) { o.APIv2Key = nil },
		"api_v2_key: number 2 must have":      func(o *wechatpayv2.Options) { o.APIv2Key[1] = "topsecret" },
		"api_v2_key: number 1 must have":      func(o *wechatpayv2.Options) { o.APIv2Key[0] = strings.Repeat("a", 31) + "\n" },
		"sign_type: \"SHA256\"":               func(o *wechatpayv2.Options) { o.SignType = callback.List{"MD5", "SHA256"} },
		"fields: payment: \"sign\"":           func(o *wechatpayv2.Options) { o.Fields.Payment = "sign" },
		"fields: payment: \"data.order\" is":  func(o *wechatpayv2.Options) { o.Fields.Payment = "data.order" },
		"fields: only payment can be set, as": func(o *wechatpayv2.Options) { o.Fields.Amount = "cash_fee" },
	} {
		o := throwaway(t)
		change(&o)
		_, err := wechatpayv2.New(o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%v, want %q and no secret", err, want)
		}
		if _, err := wechatpayv2.NewSigner(o, ""); err == nil {
			t.Errorf("%s: a signer", want)
		}
	}
}
