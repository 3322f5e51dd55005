package wechatpayv2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

var all = []relay.Status{relay.Failed, relay.Paid, relay.Refunded, relay.RefundFailed}

var full = callback.Notification{Payment: "礼品 1/<é>]]>&", Amount: "129.50", Currency: "CNY", ID: "4200001",
	TransactionID: "4200001", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func TestSignerRoundTrips(t *testing.T) {
	o := throwaway(t)
	for _, signType := range []callback.List{nil, {"MD5"}, {"HMAC-SHA256"}, {"HMAC-SHA256", "MD5"}} {
		o.SignType = signType
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), full, all...)
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), callback.Notification{}, all...)
	}
	for currency, amount := range map[string]relay.Amount{"JPY": "1500", "HKD": "12.34"} {
		n := full
		n.Currency, n.Amount = currency, amount
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), n, all...)
	}
	o.Fields.Payment = "attach"
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o), full, all...)
}

// A payment's notices agree on its transaction_id, and each refund has an id of its own.
func TestSignerNamesOnePayment(t *testing.T) {
	o := throwaway(t)
	event := func(status relay.Status) callback.Event {
		r, err := signer(t, o).Sign(callback.Notification{Payment: "order-1", Status: status}, at)
		if err != nil {
			t.Fatal(err)
		}
		return one(t, o, r)
	}
	payment, a, b := event(relay.Paid), event(relay.Refunded), event(relay.Refunded)
	if a.TransactionID != payment.TransactionID || a.RefundID == b.RefundID || a.ID != a.RefundID {
		t.Errorf("%+v, %+v of %+v", a, b, payment)
	}
}

func TestSignerRefuses(t *testing.T) {
	for want, n := range map[string]callback.Notification{
		"only for paid, failed, refunded and refund_failed": {Status: relay.Pending},
		"negative":                {Status: relay.Paid, Amount: "-1.00"},
		"decimals":                {Status: relay.Refunded, Amount: "1.001"},
		"ISO 4217":                {Status: relay.Paid, Currency: "XXX"},
		"XML cannot have":         {Status: relay.Paid, Payment: "order\ufffe"},
		"XML cannot have the pay": {Status: relay.Refunded, Payment: "order\uffff"},
		"&out_trade_no=":          {Status: relay.Paid, Payment: "order&out_trade_no=1"},
	} {
		if _, err := signer(t, throwaway(t)).Sign(n, at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", n, err, want)
		}
	}
	o := throwaway(t)
	o.Fields.Payment = "total_fee"
	if _, err := signer(t, o).Sign(callback.Notification{Status: relay.Paid}, at); err == nil {
		t.Error("signed for two fields in each other's way")
	}
}
