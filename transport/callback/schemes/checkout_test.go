package schemes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

func checkout(event, kind, reference, action string, amount int) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"created_on":"2026-11-22T02:00:00Z","data":{"id":"pay_1","action_id":%q,"reference":%s,`+
		`"amount":%d,"currency":"USD","metadata":{"rate":1.10}}}`, event, kind, action, reference, amount)
}

// An approved payment is authorised, and no more.
func TestCheckoutApprovedIsNotPaid(t *testing.T) {
	s := open(t, &schemes.CheckoutCom)
	for kind, want := range map[string]relay.Status{
		"payment_captured": relay.Paid, "payment_approved": relay.Pending, "payment_pending": relay.Pending,
		"payment_declined": relay.Failed,
		"payment_canceled": relay.Closed, "payment_voided": relay.Closed, "payment_expired": relay.Closed,
		"payment_refunded": relay.Refunded, "payment_refund_declined": relay.RefundFailed,
	} {
		e := s.one(checkout("evt_1", kind, `"o-1"`, "act_1", 6540))
		final := want == relay.Paid || want == relay.Refunded || want == relay.RefundFailed
		if e.Status != want || e.Payment != "o-1" || e.TransactionID != "pay_1" || e.Amount != "65.40" || e.Final != final {
			t.Errorf("%s: %+v", kind, e)
		}
		// Without a reference the payment is known by Checkout.com's id, which is over when it is closed.
		e = s.one(checkout("evt_1", kind, `null`, "act_1", 6540))
		if e.Payment != "pay_1" || e.Final != (final || want == relay.Closed) {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	for _, kind := range []string{"payment_capture_pending", "payment_capture_declined", "payment_void_declined",
		"payment_chargeback",
		"payment_refund_pending", "card_verified", "dispute_lost", "payment_PAID"} {
		s.none(checkout("evt_1", kind, `"o-1"`, "act_1", 6540))
	}
}

// Their own warning: who parses and writes the body again changes its numbers.
func TestCheckoutBodyWrittenAgain(t *testing.T) {
	s := open(t, &schemes.CheckoutCom)
	r := s.call(checkout("evt_1", "payment_captured", `"o-1"`, "act_1", 6540))
	var body any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	r.Body, _ = json.Marshal(body)
	if bytes.Contains(r.Body, []byte("1.10")) {
		t.Fatalf("%s", r.Body)
	}
	s.refused(callback.BadSignature, r)
}

func TestCheckoutPartialRefunds(t *testing.T) {
	s := open(t, &schemes.CheckoutCom)
	captured := s.call(checkout("evt_1", "payment_captured", `"o-1"`, "act_1", 6540))
	one := s.call(checkout("evt_2", "payment_refunded", `"o-1"`, "act_2", 1000))
	two := s.call(checkout("evt_3", "payment_refunded", `"o-1"`, "act_3", 1000))
	failed := s.call(checkout("evt_4", "payment_refund_declined", `"o-1"`, "act_4", 1000))
	if state, _ := s.log("o-1", captured, one, one, two); state.Refunded != "20.00" || state.Amount != "65.40" ||
		state.Conflict {
		t.Errorf("%+v", state)
	}
	if state, _ := s.log("o-1", captured, failed); state.Status != relay.Paid || state.Conflict {
		t.Errorf("%+v", state)
	}
}

// Checkout.com writes pesos with two digits more than ISO 4217, which are always 00.
func TestCheckoutChileanPesos(t *testing.T) {
	s := open(t, &schemes.CheckoutCom)
	body := checkout("evt_1", "payment_captured", `"o-1"`, "act_1", 129900)
	for currency, want := range map[string]relay.Amount{"CLP": "1299", "JPY": "129900", "KWD": "129.9", "USD": "1299"} {
		if e := s.one(strings.Replace(body, "USD", currency, 1)); !e.Amount.Equal(want) {
			t.Errorf("%s: %s, want %s", currency, e.Amount, want)
		}
	}
	r := s.said(callback.Notification{Status: relay.Paid, Amount: "1299", Currency: "CLP"})
	if !bytes.Contains(r.Body, []byte(`"amount":129900,`)) {
		t.Errorf("signed %s", r.Body)
	}
}

// Workflows write timestamp; events of before them have created_on.
func TestCheckoutTime(t *testing.T) {
	s := open(t, &schemes.CheckoutCom)
	old := checkout("evt_1", "payment_captured", `"o-1"`, "act_1", 6540)
	workflow := strings.Replace(old, `"created_on":"2026-11-22T02:00:00Z"`,
		`"timestamp":"2026-11-22T02:00:00.000+00:00"`, 1)
	for _, body := range []string{old, workflow} {
		if e := s.one(body); !e.Time.Equal(at) {
			t.Errorf("%s: %v", body, e.Time)
		}
	}
}
