package wechatpayv2_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
)

// refund is what is inside of a refund's notice.
var refund = elements{
	"out_trade_no": "order-1", "transaction_id": "4200000001", "out_refund_no": "R-1", "refund_id": "50300001",
	"total_fee": "1130", "settlement_total_fee": "1130", "refund_fee": "500", "settlement_refund_fee": "400",
	"refund_status": "SUCCESS", "success_time": "2026-11-22 10:00:00", "refund_recv_accout": "支付用户零钱",
}

func sealed(t testing.TB, o wechatpayv2.Options, e elements) callback.Request {
	t.Helper()
	return sealedText(t, o, e.xml("root"))
}

func sealedText(t testing.TB, o wechatpayv2.Options, text string) callback.Request {
	t.Helper()
	return wechatpayv2.SealBody(t, o, []byte(text), true)
}

func TestRefund(t *testing.T) {
	o := throwaway(t)
	want := callback.Event{Type: "refund", Derived: true, Event: relay.Event{ID: "50300001", Payment: "order-1",
		Status: relay.Refunded, Final: true, Time: at, Amount: "5.00", Currency: "CNY", TransactionID: "4200000001",
		ProviderStatus: "SUCCESS", RefundID: "50300001"}}
	if e := one(t, o, sealed(t, o, refund)); e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
	for status, want := range map[string]relay.Status{"CHANGE": relay.RefundFailed, "REFUNDCLOSE": relay.RefundFailed} {
		e := one(t, o, sealed(t, o, refund.with("refund_status", status).with("success_time", "")))
		if e.Status != want || !e.Final || e.ProviderStatus != status || !e.Time.IsZero() {
			t.Errorf("%s: %+v", status, e)
		}
	}
	if events, err := provider(t, o).Parse(sealed(t, o, refund.with("refund_status", "PROCESSING")), at); err != nil || len(events) != 0 {
		t.Errorf("another status: %+v, %v; want nothing", events, err)
	}
	if e := one(t, o, sealed(t, o, refund.with("fee_type", "JPY"))); e.Amount != "500" || e.Currency != "JPY" {
		t.Errorf("%s %s, want 500 JPY", e.Amount, e.Currency)
	}
	events, err := provider(t, o).Parse(sealed(t, o, refund.with("out_trade_no", "..")), at)
	callbacktest.Unusable(t, events, err)
}

// Everything that does not open to a whole refund is refused in the same words: nobody learns how far a guess came.
func TestRefundThatDoesNotOpen(t *testing.T) {
	o := throwaway(t)
	p := provider(t, o)
	block := strings.Repeat("a", 16)
	whole := refund.xml("root")
	whole += strings.Repeat(" ", 28-len(whole)%16) // 12 of a block, so that it has padding of 4
	raw := func(text string) callback.Request { return wechatpayv2.SealBody(t, o, []byte(text), false) }
	info := func(text string) callback.Request {
		return elements{"mch_id": paid["mch_id"], "return_code": "SUCCESS", "req_info": text}.post()
	}
	cases := map[string]callback.Request{
		"not base64":             info("%%%%"),
		"base64 with line ends":  info("AAAA\nAAAA"),
		"no whole block":         info(base64.StdEncoding.EncodeToString([]byte("short"))),
		"nothing but padding":    info("===="),
		"by another key":         sealed(t, throwaway(t), refund),
		"padding of 0":           raw(block[:15] + "\x00"),
		"padding of 17":          raw(block[:15] + "\x11"),
		"padding not all alike":  raw(whole + "\x04\x04\x03\x04"),
		"padding longer than it": raw(strings.Repeat("\x10", 16)),
		"no XML":                 sealedText(t, o, "refund_status=SUCCESS"),
		"half of the XML":        sealedText(t, o, refund.xml("root")[:100]),
		"an element twice":       sealedText(t, o, strings.Replace(refund.xml("root"), "<root>", "<root><refund_fee>1</refund_fee>", 1)),
	}
	for _, name := range []string{"out_trade_no", "transaction_id", "refund_id", "out_refund_no", "total_fee", "refund_fee", "refund_status"} {
		cases["no "+name] = sealed(t, o, refund.with(name, ""))
	}
	one(t, o, raw(whole+"\x04\x04\x04\x04"))
	var words string
	for what, r := range cases {
		refused(t, what, o, r, callback.DecryptFailed)
		_, err := p.Parse(r, at)
		if words == "" {
			words = err.Error()
		}
		if err.Error() != words || p.Answer(err) != p.Answer(callback.Refuse(callback.BadSignature, "")) {
			t.Errorf("%s: %v, answered %+v", what, err, p.Answer(err))
		}
	}
}

// blocks returns the encrypted blocks of a refund's notice.
func blocks(t *testing.T, r callback.Request) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(string(r.Body), "<req_info><![CDATA[")
	text, _, _ := strings.Cut(rest, "]]>")
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ECB has no MAC. A block that no notice had comes out as noise, and is refused wherever it stands.
func TestRefundBlocksCannotBeMadeUp(t *testing.T) {
	o := throwaway(t)
	genuine := blocks(t, sealed(t, o, refund))
	one(t, o, elements{"req_info": base64.StdEncoding.EncodeToString(genuine)}.post())
	for i := range genuine {
		data := bytes.Clone(genuine)
		data[i] ^= 0x80
		refused(t, "changed", o, elements{"req_info": base64.StdEncoding.EncodeToString(data)}.post(), callback.DecryptFailed)
	}
}

// Blocks that were seen can be put together, which is what the package's comment warns of: half of one notice and half of
// another one open. What comes of it at worst is a refund that was none, since a registered payment is not paid by the
// failure of a refund.
func TestRefundBlocksCanBeRecombined(t *testing.T) {
	o := throwaway(t)
	text := func(payment, status string) string {
		return "<root><out_trade_no>" + payment + "</out_trade_no><refund_status>" + status + "</refund_status>" +
			"<transaction_id>1</transaction_id><out_refund_no>1</out_refund_no><refund_id>1</refund_id>" +
			"<total_fee>1</total_fee><refund_fee>1</refund_fee></root>"
	}
	failed := blocks(t, sealedText(t, o, text("order-of-others", "CHANGE")))
	done := blocks(t, sealedText(t, o, text("order-of-myself", "SUCCESS")))
	const half = 48 // the order is in the blocks before, the status in those behind
	mixed := append(bytes.Clone(done[:half]), failed[half:]...)
	e := one(t, o, elements{"req_info": base64.StdEncoding.EncodeToString(mixed)}.post())
	if e.Payment != "order-of-myself" || e.Status != relay.RefundFailed {
		t.Fatalf("%+v: it does not show what it should", e)
	}
	order := relay.NewState(e.Payment)
	order.Apply(relay.Entry{Event: relay.Event{Payment: e.Payment, Status: relay.Registered, Amount: "10.00", Currency: "CNY"}})
	order.Apply(relay.Entry{Event: e.Event})
	if order.Status != relay.Pending {
		t.Errorf("the registered order is %s", order.Status)
	}
}

// Nothing outside of req_info is proven, so that nothing of it is told; what names another account is for another source.
func TestRefundOuterElementsAreNotBelieved(t *testing.T) {
	o := throwaway(t)
	r := string(sealed(t, o, refund).Body)
	want := one(t, o, post(r))
	outer := "<out_trade_no>other</out_trade_no><total_fee>1</total_fee><refund_status>CHANGE</refund_status>" +
		"<result_code>SUCCESS</result_code><sign>AAAA</sign></xml>"
	if e := one(t, o, post(strings.Replace(r, "</xml>", outer, 1))); e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
	o.MchID = callback.List{"1900000110"}
	refused(t, "another account", o, post(r), callback.WrongAccount)
}

// What req_info would have inside is worth nothing outside of it.
func TestRefundInTheOpenIsNone(t *testing.T) {
	o := throwaway(t)
	refused(t, "in the open", o, refund.post(), callback.MissingHeader)
	for _, status := range []string{"SUCCESS", "CHANGE"} {
		e := refund.with("refund_status", status).with("return_code", "SUCCESS")
		if events, err := provider(t, o).Parse(e.signed(o).post(), at); err != nil || len(events) != 0 {
			t.Errorf("signed, %s: %+v, %v; want nothing", status, events, err)
		}
	}
}

func TestRefundMalformedInside(t *testing.T) {
	o := throwaway(t)
	for _, e := range []elements{
		refund.with("refund_fee", "5.00"),
		refund.with("refund_fee", "-5"),
		refund.with("fee_type", "yuan"),
		refund.with("refund_id", strings.Repeat("5", 129)),
	} {
		_, err := provider(t, o).Parse(sealed(t, o, e), at)
		if r, ok := err.(*callback.Refusal); !ok || r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%v: %v, want malformed and genuine", e, err)
		}
	}
}
