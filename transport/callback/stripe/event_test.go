package stripe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/stripe"
)

func event(kind, object string) string {
	return fmt.Sprintf(`{"id":"evt_1","object":"event","created":1795312797,"type":%q,"data":{"object":%s}}`, kind, object)
}

func parse(t testing.TB, o stripe.Options, body string) ([]callback.Event, error) {
	t.Helper()
	return provider(t, o).Parse(stripe.SignBody(t, o, at, []byte(body)), at)
}

func one(t testing.TB, kind, object string) callback.Event {
	t.Helper()
	events, err := parse(t, throwaway(t), event(kind, object))
	if err != nil || len(events) != 1 {
		t.Fatalf("%s %s: %+v, %v; want one event", kind, object, events, err)
	}
	return events[0]
}

func TestWholeEvent(t *testing.T) {
	e := one(t, "payment_intent.succeeded", `{"id":"pi_1","object":"payment_intent","amount":10999,`+
		`"amount_received":10000,"currency":"usd","metadata":{"order_id":"o-1"},"status":"succeeded"}`)
	want := callback.Event{Type: "payment_intent.succeeded", Event: relay.Event{ID: "evt_1", Payment: "o-1",
		Status: relay.Paid, Final: true, Time: time.Unix(1795312797, 0).UTC(), Amount: "100.00", Currency: "USD",
		TransactionID: "pi_1", ProviderStatus: "succeeded"}}
	if e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		kind, object string
		want         relay.Status // empty for no event
		amount       relay.Amount
		word         string
	}{
		{"payment_intent.amount_capturable_updated", `{"id":"pi_1","amount":500,"status":"requires_capture"}`,
			relay.Pending, "5.00", "requires_capture"},
		{"checkout.session.completed", `{"id":"cs_1","mode":"payment","amount_total":500,"payment_status":"paid"}`,
			relay.Paid, "5.00", "paid"},
		{"checkout.session.completed", `{"id":"cs_1","mode":"subscription","amount_total":0,` +
			`"payment_status":"no_payment_required"}`, relay.Paid, "0.00", "no_payment_required"},
		{"checkout.session.completed", `{"id":"cs_1","mode":"payment","amount_total":500,"payment_status":"unpaid",` +
			`"status":"complete"}`, relay.Pending, "5.00", "unpaid"},
		{"checkout.session.completed", `{"id":"cs_1","mode":"setup","payment_status":"no_payment_required"}`, "", "", ""},
		{"checkout.session.expired", `{"id":"cs_1","mode":"setup","payment_status":"unpaid"}`, "", "", ""},
		{"charge.succeeded", `{"id":"ch_1","amount":500,"amount_captured":300,"captured":true,"status":"succeeded"}`,
			relay.Paid, "3.00", "succeeded"},
		{"charge.succeeded", `{"id":"ch_1","amount":500,"captured":true,"status":"succeeded"}`,
			relay.Paid, "5.00", "succeeded"},
		{"charge.succeeded", `{"id":"ch_1","amount":500,"amount_captured":0,"captured":false,"status":"succeeded"}`,
			relay.Pending, "5.00", "succeeded"},
		{"charge.refunded", `{"id":"ch_1","amount":500,"amount_refunded":100,"captured":true,"status":"succeeded"}`,
			relay.Refunded, "1.00", "succeeded"},
		{"charge.refunded", `{"id":"ch_1","amount":500,"amount_refunded":500,"captured":false,"status":"succeeded"}`,
			relay.Closed, "5.00", "succeeded"},
		{"refund.failed", `{"id":"re_1","amount":100,"payment_intent":"pi_1","status":"failed"}`,
			relay.RefundFailed, "1.00", "failed"},
		{"charge.refund.updated", `{"id":"re_1","amount":100,"charge":"ch_1","status":"failed"}`,
			relay.RefundFailed, "1.00", "failed"},
		{"charge.refund.updated", `{"id":"re_1","amount":100,"charge":"ch_1","status":"succeeded"}`, "", "", ""},
		{"charge.dispute.created", `{"id":"dp_1","amount":100,"charge":"ch_1"}`, "", "", ""},
	} {
		object := strings.TrimSuffix(c.object, "}") + `,"currency":"eur"}`
		events, err := parse(t, throwaway(t), event(c.kind, object))
		if err != nil || (len(events) == 1) != (c.want != "") {
			t.Errorf("%s %s: %+v, %v", c.kind, object, events, err)
			continue
		}
		if len(events) == 0 {
			continue
		}
		e := events[0]
		if e.Status != c.want || e.Amount != c.amount || e.ProviderStatus != c.word {
			t.Errorf("%s %s: %s %s %q, want %s %s %q", c.kind, object, e.Status, e.Amount, e.ProviderStatus,
				c.want, c.amount, c.word)
		}
		if e.Cumulative != (c.want == relay.Refunded) || (e.RefundID == "re_1") != (c.want == relay.RefundFailed) {
			t.Errorf("%s %s: cumulative %v, refund %q", c.kind, object, e.Cumulative, e.RefundID)
		}
	}
}

func TestReferenceOrder(t *testing.T) {
	for _, c := range []struct{ object, payment, transaction string }{
		{`{"id":"cs_1","metadata":{"order_id":"m"},"client_reference_id":"c","payment_intent":"pi_1"}`, "m", "pi_1"},
		{`{"id":"cs_1","metadata":{"order_id":""},"client_reference_id":"c","payment_intent":"pi_1"}`, "c", "pi_1"},
		{`{"id":"cs_1","metadata":null,"client_reference_id":null,"payment_intent":"pi_1"}`, "pi_1", "pi_1"},
		{`{"id":"cs_1","payment_intent":null}`, "cs_1", "cs_1"},
	} {
		if e := one(t, "checkout.session.expired", c.object); e.Payment != c.payment || e.TransactionID != c.transaction {
			t.Errorf("%s: payment %q, transaction %q", c.object, e.Payment, e.TransactionID)
		}
	}
	if e := one(t, "refund.failed", `{"id":"re_1","charge":"ch_1","payment_intent":null}`); e.Payment != "ch_1" {
		t.Errorf("a refund without a payment intent: payment %q, want its charge", e.Payment)
	}
}

func TestPaymentField(t *testing.T) {
	o := throwaway(t)
	o.Fields.Payment = "data.object.metadata.cart"
	body := event("payment_intent.succeeded", `{"id":"pi_1","metadata":{"order_id":"m","cart":77}}`)
	if events, err := parse(t, o, body); err != nil || len(events) != 1 || events[0].Payment != "77" {
		t.Errorf("%+v, %v; want payment 77", events, err)
	}
	body = event("payment_intent.succeeded", `{"id":"pi_1","metadata":{"order_id":"m"}}`)
	events, err := parse(t, o, body)
	callbacktest.Unusable(t, events, err) // the field is missing
}

// An order may be paid with another intent or session; a payment that is known by that intent or session cannot.
func TestClosedIsFinalOnlyForItsOwnObject(t *testing.T) {
	for _, c := range []struct {
		kind, object string
		final        bool
	}{
		{"payment_intent.canceled", `{"id":"pi_1"}`, true},
		{"payment_intent.canceled", `{"id":"pi_1","metadata":{"order_id":"pi_1"}}`, true},
		{"payment_intent.canceled", `{"id":"pi_1","metadata":{"order_id":"o-1"}}`, false},
		{"checkout.session.expired", `{"id":"cs_1"}`, true},
		{"checkout.session.expired", `{"id":"cs_1","client_reference_id":"o-1"}`, false},
		{"checkout.session.expired", `{"id":"cs_1","payment_intent":"pi_1"}`, false},
		{"payment_intent.payment_failed", `{"id":"pi_1"}`, false},
		{"checkout.session.async_payment_failed", `{"id":"cs_1"}`, false},
		{"charge.refunded", `{"id":"ch_1","captured":false}`, false},
	} {
		if e := one(t, c.kind, c.object); e.Final != c.final {
			t.Errorf("%s %s: final %v", c.kind, c.object, e.Final)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct{ minor, currency, want string }{
		{"1500", "jpy", "1500"},
		{"1500", "kwd", "1.500"},
		{"1500", "usd", "15.00"},
		{"1500", "isk", "15.00"}, // Stripe writes two decimals that are always 00
		{"1500", "ugx", "15.00"},
		{"1500", "mga", "1500"}, // ISO 4217 has two, Stripe none
		{"9007199254740993", "usd", "90071992547409.93"},
		{"1500", "xxx", ""},
	} {
		e := one(t, "payment_intent.succeeded", `{"id":"pi_1","amount_received":`+c.minor+`,"currency":"`+c.currency+`"}`)
		if string(e.Amount) != c.want || e.Currency != strings.ToUpper(c.currency) {
			t.Errorf("%s %s: %q %s, want %q", c.minor, c.currency, e.Amount, e.Currency, c.want)
		}
	}
}

func TestGenuineButNoEvent(t *testing.T) {
	for _, body := range []string{
		`{}`,
		`{"object":"v2.core.event","id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1"}}}`,
		event("customer.created", `{"id":"cus_1"}`),
	} {
		if events, err := parse(t, throwaway(t), body); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want nothing", body, events, err)
		}
	}
}

func TestUnusablePayment(t *testing.T) {
	for _, body := range []string{
		event("payment_intent.succeeded", `{"id":"pi_1","metadata":{"order_id":"a\u0000"}}`),
		event("payment_intent.succeeded", `{"id":"pi_1","metadata":{"order_id":"`+strings.Repeat("a", 129)+`"}}`),
		event("payment_intent.succeeded", `{}`),
	} {
		t.Run(body, func(t *testing.T) {
			events, err := parse(t, throwaway(t), body)
			callbacktest.Unusable(t, events, err)
		})
	}
}

func TestMalformedAfterAGoodSignature(t *testing.T) {
	for _, body := range []string{
		``, `[]`, `null`, `{`, "\xef\xbb\xbf" + event("payment_intent.succeeded", `{"id":"pi_1"}`),
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		`{"object":"event","type":"payment_intent.succeeded"}`,
		`{"object":"event","id":"evt_1"}`,
		`{"object":"event","id":"evt\u0007","type":"payment_intent.succeeded"}`,
		`{"object":"event","id":"evt_1","type":"payment_intent.succeeded"}`,
		event("payment_intent.succeeded", `[]`),
		event("payment_intent.succeeded", `{"id":"pi_1","currency":"usd","amount_received":1.5}`),
		event("payment_intent.succeeded", `{"id":"pi_1","currency":"usd","amount_received":1e3}`),
		event("payment_intent.succeeded", `{"id":"pi_1","currency":"usd","amount_received":-100}`),
		event("payment_intent.succeeded", `{"id":"pi_1","currency":"usd","amount_received":"100"}`),
		event("payment_intent.succeeded", `{"id":"pi_1","currency":"us dollars","amount_received":100}`),
	} {
		_, err := parse(t, throwaway(t), body)
		if err == nil {
			t.Errorf("%.80s: accepted", body)
			continue
		}
		if r := err.(*callback.Refusal); r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%.80s: %+v, want malformed and genuine", body, r)
		}
	}
}

// One secret covers all of a platform's connected accounts, and each can name any order.
func TestConnectedAccounts(t *testing.T) {
	body := strings.Replace(event("payment_intent.succeeded", `{"id":"pi_1"}`), "{", `{"account":"acct_1",`, 1)
	o := stripe.Options{Secrets: []string{"whsec_a"}}
	if e, err := parse(t, o, body); err == nil || callbacktest.ReasonOf(t, err) != callback.WrongAccount || len(e) != 0 {
		t.Errorf("%+v, %v; want wrong_account", e, err)
	}
	o.Account = callback.List{"acct_2", "acct_1"}
	if e, err := parse(t, o, body); err != nil || len(e) != 1 {
		t.Errorf("%+v, %v; want an event", e, err)
	}
}
