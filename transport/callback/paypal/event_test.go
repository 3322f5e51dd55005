package paypal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// parse signs a body and reads it.
func parse(t testing.TB, body string) ([]callback.Event, error) {
	t.Helper()
	o, key := throwaway()
	return provider(t, o).Parse(paypal.SignBody(t, o, key, at, []byte(body)), at)
}

// one returns the event of a signed body.
func one(t testing.TB, body string) callback.Event {
	t.Helper()
	events, err := parse(t, body)
	if err != nil || len(events) != 1 {
		t.Fatalf("%+v, %v; want one event of %s", events, err, body)
	}
	if err := callbacktest.Wellformed(events[0]); err != nil {
		t.Errorf("%v: %+v", err, events[0])
	}
	return events[0]
}

// event returns the body of an event about a resource.
func event(kind, resource string) string {
	return `{"id":"WH-1","event_type":"` + kind + `","create_time":"2026-11-22T02:00:00.125Z","resource":` + resource + `}`
}

const plain = `{"id":"C1","status":"WORD","custom_id":"A-1","amount":{"currency_code":"USD","value":"1.50"}}`

func TestTypesAndStatuses(t *testing.T) {
	for kind, want := range map[string]relay.Status{
		"PAYMENT.CAPTURE.PENDING":            relay.Pending,
		"PAYMENT.CAPTURE.COMPLETED":          relay.Paid,
		"PAYMENT.CAPTURE.DENIED":             relay.Failed,
		"PAYMENT.CAPTURE.DECLINED":           relay.Failed,
		"PAYMENT.CAPTURE.REFUNDED":           relay.Refunded,
		"PAYMENT.CAPTURE.REVERSED":           relay.Refunded,
		"PAYMENT.AUTHORIZATION.CREATED":      relay.Pending,
		"PAYMENT.AUTHORIZATION.VOIDED":       relay.Closed,
		"CHECKOUT.ORDER.SAVED":               relay.Pending,
		"CHECKOUT.ORDER.APPROVED":            relay.Pending,
		"CHECKOUT.ORDER.COMPLETED":           relay.Pending,
		"CHECKOUT.ORDER.DECLINED":            relay.Failed,
		"CHECKOUT.ORDER.VOIDED":              relay.Closed,
		"CHECKOUT.PAYMENT-APPROVAL.REVERSED": relay.Closed,
		"PAYMENT.SALE.PENDING":               relay.Pending,
		"PAYMENT.SALE.COMPLETED":             relay.Paid,
		"PAYMENT.SALE.DENIED":                relay.Failed,
		"PAYMENT.SALE.REFUNDED":              relay.Refunded,
		"PAYMENT.SALE.REVERSED":              relay.Refunded,
	} {
		e := one(t, event(kind, plain))
		if e.Status != want || e.Type != kind || e.ID != "WH-1" || e.Payment != "A-1" || e.Amount != "1.50" ||
			e.Currency != "USD" || e.ProviderStatus != "WORD" || e.TransactionID != "C1" || e.Derived ||
			!e.Time.Equal(at.Add(125*time.Millisecond)) || e.Final != (want == relay.Paid || want == relay.Refunded) {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}

func TestApprovedIsNotPaid(t *testing.T) {
	e := one(t, event("CHECKOUT.ORDER.APPROVED", `{"id":"O1","purchase_units":[{"custom_id":"A-1","amount":{"currency_code":"USD","value":"1"}}]}`))
	if e.Status != relay.Pending || e.Final || e.Payment != "A-1" || e.Amount != "1" || e.TransactionID != "O1" {
		t.Errorf("%+v", e)
	}
}

func TestOtherTypesAreNotRelayed(t *testing.T) {
	for _, kind := range []string{"CUSTOMER.DISPUTE.CREATED", "BILLING.SUBSCRIPTION.ACTIVATED", "payment.capture.completed"} {
		if events, err := parse(t, event(kind, plain)); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want none", kind, events, err)
		}
	}
	if events, err := parse(t, `{"id":"WH-1","event_type":"CUSTOMER.DISPUTE.CREATED"}`); err != nil || len(events) != 0 {
		t.Errorf("without a resource: %+v, %v; want none", events, err)
	}
}

func TestFailedRefundIsNoRefund(t *testing.T) {
	for _, word := range []string{"FAILED", "CANCELLED"} {
		body := event("PAYMENT.CAPTURE.REFUNDED", strings.Replace(plain, "WORD", word, 1))
		if events, err := parse(t, body); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want none", word, events, err)
		}
	}
}

func TestPaymentIsTheFirstThatIsPresent(t *testing.T) {
	const up = `"links":[{"rel":"self","href":"https://api.paypal.com/v2/payments/refunds/R1"},
		{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/C9"}]`
	for _, c := range []struct{ kind, resource, want string }{
		{"PAYMENT.CAPTURE.COMPLETED", `{"id":"C1","custom_id":"A","invoice_id":"B","supplementary_data":{"related_ids":{"order_id":"O"}}}`, "A"},
		{"PAYMENT.CAPTURE.COMPLETED", `{"id":"C1","custom_id":"","invoice_id":"B","supplementary_data":{"related_ids":{"order_id":"O"}}}`, "B"},
		{"PAYMENT.CAPTURE.COMPLETED", `{"id":"C1","supplementary_data":{"related_ids":{"order_id":"O"}}}`, "O"},
		{"PAYMENT.CAPTURE.COMPLETED", `{"id":"C1",` + up + `}`, "C1"},
		{"CHECKOUT.ORDER.APPROVED", `{"id":"O","custom_id":"X","purchase_units":[{"custom_id":"A","invoice_id":"B"},{"custom_id":"Z"}]}`, "A"},
		{"CHECKOUT.ORDER.APPROVED", `{"id":"O","purchase_units":[{"invoice_id":"B"}]}`, "B"},
		{"CHECKOUT.ORDER.APPROVED", `{"id":"O","purchase_units":[]}`, "O"},
		{"CHECKOUT.PAYMENT-APPROVAL.REVERSED", `{"order_id":"O","purchase_units":[{"reference_id":"default"}]}`, "O"},
		{"PAYMENT.SALE.COMPLETED", `{"id":"S1","custom":"A","invoice_number":"B"}`, "A"},
		{"PAYMENT.SALE.COMPLETED", `{"id":"S1","custom":"","invoice_number":"B"}`, "B"},
		{"PAYMENT.SALE.COMPLETED", `{"id":"S1","invoice_number":""}`, "S1"},
		{"PAYMENT.CAPTURE.REFUNDED", `{"id":"R1","custom_id":"A",` + up + `}`, "A"},
		{"PAYMENT.CAPTURE.REFUNDED", `{"id":"R1",` + up + `}`, "C9"},
		{"PAYMENT.CAPTURE.REFUNDED", `{"id":"R1","links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/C9/refund"}]}`, "R1"},
		{"PAYMENT.SALE.REFUNDED", `{"id":"R1","sale_id":"S1"}`, "S1"},
	} {
		if e := one(t, event(c.kind, c.resource)); e.Payment != c.want {
			t.Errorf("%s %s: payment %q, want %q", c.kind, c.resource, e.Payment, c.want)
		}
	}
}

func TestConfiguredPayment(t *testing.T) {
	o, key := throwaway()
	o.Fields.Payment = "resource.invoice_id"
	r := paypal.SignBody(t, o, key, at, []byte(event("PAYMENT.CAPTURE.COMPLETED", `{"id":"C1","custom_id":"A","invoice_id":"B"}`)))
	if events, err := provider(t, o).Parse(r, at); err != nil || len(events) != 1 || events[0].Payment != "B" {
		t.Errorf("%+v, %v; want the payment B", events, err)
	}
}

func TestNoUsablePayment(t *testing.T) {
	for _, resource := range []string{`{}`, `{"custom_id":"a\u0000b"}`, `{"id":{"a":1}}`} {
		events, err := parse(t, event("PAYMENT.CAPTURE.COMPLETED", resource))
		callbacktest.Unusable(t, events, err)
	}
}

func TestRefundsAreToldApart(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{event("PAYMENT.CAPTURE.REFUNDED", `{"id":"R1","links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/C1"}]}`), "R1"},
		{strings.Replace(event("PAYMENT.CAPTURE.REVERSED", `{"id":"R1"}`), `{"id`, `{"resource_type":"refund","id`, 1), "R1"},
		{event("PAYMENT.SALE.REFUNDED", `{"id":"R1","sale_id":"S1"}`), "R1"},
		{event("PAYMENT.SALE.REVERSED", `{"id":"S1"}`), ""}, // the sale's own id tells no refund from another
		{event("PAYMENT.CAPTURE.COMPLETED", plain), ""},
	} {
		if e := one(t, c.body); e.RefundID != c.want {
			t.Errorf("%s: refund %q, want %q", c.body, e.RefundID, c.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		kind, amount string
		want         relay.Amount
		currency     string
	}{
		{"PAYMENT.CAPTURE.COMPLETED", `{"value":"0.10","currency_code":"usd"}`, "0.10", "USD"},
		{"PAYMENT.CAPTURE.COMPLETED", `{"value":1500,"currency_code":"JPY"}`, "1500", "JPY"},
		{"PAYMENT.CAPTURE.COMPLETED", `{"value":"90071992547409931.07","currency_code":"USD"}`, "90071992547409931.07", "USD"},
		{"PAYMENT.CAPTURE.COMPLETED", `null`, "", ""},
		{"PAYMENT.CAPTURE.COMPLETED", `{}`, "", ""},
		{"PAYMENT.CAPTURE.COMPLETED", `{"value":"1"}`, "1", ""},
		{"PAYMENT.SALE.COMPLETED", `{"total":"822.0160","currency":"CZK"}`, "822.0160", "CZK"},
		{"PAYMENT.SALE.REFUNDED", `{"total":"-0.49","currency":"USD"}`, "0.49", "USD"}, // as the first version writes refunds
	} {
		e := one(t, event(c.kind, `{"id":"C1","amount":`+c.amount+`}`))
		if e.Amount != c.want || e.Currency != c.currency {
			t.Errorf("%s: %q %q, want %q %q", c.amount, e.Amount, e.Currency, c.want, c.currency)
		}
	}
}

func TestMalformedAfterAGoodSignature(t *testing.T) {
	for _, body := range []string{
		"", "null", "[]", "{", `{"id":"WH-1"}`, `{"event_type":"PAYMENT.CAPTURE.COMPLETED"}`, "\ufeff{}",
		`{"id":"WH-\u0000","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{}}`,
		event("PAYMENT.CAPTURE.COMPLETED", `"C1"`),
		event("PAYMENT.CAPTURE.COMPLETED", `{"amount":{"value":"1e3","currency_code":"USD"}}`),
		event("PAYMENT.CAPTURE.COMPLETED", `{"amount":{"value":"-1","currency_code":"USD"}}`),
		event("PAYMENT.CAPTURE.REFUNDED", `{"amount":{"value":"--1","currency_code":"USD"}}`),
		event("PAYMENT.CAPTURE.COMPLETED", `{"amount":{"value":"1,00","currency_code":"USD"}}`),
		event("PAYMENT.CAPTURE.COMPLETED", `{"amount":{"value":true,"currency_code":"USD"}}`),
		event("PAYMENT.CAPTURE.COMPLETED", `{"amount":{"value":"1","currency_code":"U$"}}`),
	} {
		_, err := parse(t, body)
		if r, ok := err.(*callback.Refusal); !ok || !r.Genuine || r.Reason != callback.Malformed {
			t.Errorf("%q: %v, want malformed after a good signature", body, err)
		}
	}
}

func TestTimeWithoutAZoneIsNone(t *testing.T) {
	e := one(t, `{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","create_time":"2026-11-22T02:00:00","resource":{"id":"C1"}}`)
	if !e.Time.IsZero() {
		t.Errorf("time %v", e.Time)
	}
	e = one(t, `{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","create_time":"2026-11-21T18:00:00-08:00","resource":{"id":"C1"}}`)
	if !e.Time.Equal(at) {
		t.Errorf("time %v, want %v", e.Time, at)
	}
}
