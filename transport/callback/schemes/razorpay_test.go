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

const razorpayEventID = "X-Razorpay-Event-Id"

func razorpay(kind, status, notes string, created int) string {
	return fmt.Sprintf(`{"entity":"event","account_id":"acc_BFQ7uQEaa7j2z7","event":%q,"contains":["payment"],"payload":{"payment":{"entity":{"id":"pay_1",`+
		`"amount":50000,"currency":"INR","status":%q,"order_id":"order_1","notes":%s,"fee":1180.10}}},"created_at":%d}`,
		kind, status, notes, created)
}

func razorpayRefund(kind, id, notes string, amount int) string {
	return fmt.Sprintf(`{"entity":"event","event":%q,"contains":["refund","payment"],"payload":{"refund":{"entity":{"id":%q,"amount":%d,`+
		`"currency":"INR","payment_id":"pay_1","notes":[],"status":"processed"}},"payment":{"entity":{"id":"pay_1","amount":50000,`+
		`"currency":"INR","status":"captured","order_id":"order_1","notes":%s}}},"created_at":1795312900}`, kind, id,
		amount, notes)
}

// An unset object is an empty array, where PHP is at work.
func TestRazorpayNotesAreAnArray(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	for notes, want := range map[string]string{
		`[]`: "order_1", `{}`: "order_1", `null`: "order_1", `{"order_id":"o-1"}`: "o-1", `{"order_id":1001}`: "1001",
		`{"order_id":""}`: "order_1",
		`["order_id"]`:    "order_1", `"order_id"`: "order_1", `[{"order_id":"o-1"}]`: "order_1",
	} {
		e := s.one(razorpay("payment.captured", "captured", notes, 1795312800), razorpayEventID, "e")
		if e.Payment != want || e.TransactionID != "pay_1" {
			t.Errorf("%s: %+v, want payment %s", notes, e, want)
		}
		e = s.one(razorpayRefund("refund.processed", "rfnd_1", notes, 10000), razorpayEventID, "e")
		if e.Payment != want || e.Amount != "100.00" {
			t.Errorf("%s: %+v, want payment %s", notes, e, want)
		}
	}
	bare := strings.Replace(razorpayRefund("refund.processed", "rfnd_1", "[]", 10000), `,"payment":{"entity"`,
		`,"other":{"entity"`, 1)
	if e := s.one(bare, razorpayEventID, "e"); e.Payment != "pay_1" {
		t.Errorf("without its payment: %+v", e)
	}
}

// Both come for one payment, in any order and with ids of their own.
func TestRazorpayCapturedAndOrderPaidAreOnePayment(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	captured := s.call(razorpay("payment.captured", "captured", "[]", 1795312800), razorpayEventID, "e1")
	paid := s.call(razorpay("order.paid", "captured", "[]", 1795312801), razorpayEventID, "e2")
	for _, calls := range [][]callback.Request{{captured, paid}, {paid, captured}, {paid, captured, paid, captured}} {
		state, told := s.log("order_1", calls...)
		if state.Status != relay.Paid || state.Conflict || state.Amount != "500.00" || len(told) != 1 {
			t.Errorf("%+v, told %v; want paid, once", state, told)
		}
	}
}

// payment.authorized is a snapshot that may come when the payment is captured, and a failed attempt is not the last.
// The payment of an order that was paid in parts is the last part.
func TestRazorpayOrderPaidInParts(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	body := strings.Replace(razorpay("order.paid", "captured", "[]", 1795312801), `"payload":{`,
		`"payload":{"order":{"entity":{"id":"order_1","amount":100000,"amount_paid":100000,"status":"paid"}},`, 1)
	if e := s.one(body, razorpayEventID, "e"); e.Status != relay.Paid || e.Amount != "1000.00" || e.Payment != "order_1" {
		t.Errorf("%+v, want 1000.00 paid", e)
	}
}

func TestRazorpayAttemptsDoNotEndAnOrder(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	failed := s.call(razorpay("payment.failed", "failed", "[]", 1795312790), razorpayEventID, "e1")
	authorized := s.call(razorpay("payment.authorized", "captured", "[]", 1795312810), razorpayEventID, "e2")
	captured := s.call(razorpay("payment.captured", "captured", "[]", 1795312800), razorpayEventID, "e3")
	if state, _ := s.log("order_1", failed); state.Status != relay.Failed || state.Final {
		t.Errorf("%+v", state)
	}
	for _, calls := range [][]callback.Request{{failed, authorized, captured}, {captured, failed, authorized},
		{authorized, captured, failed}} {
		if state, _ := s.log("order_1", calls...); state.Status != relay.Paid || state.Conflict {
			t.Errorf("%+v", state)
		}
	}
}

// Cash on delivery is an order without money.
func TestRazorpayCashOnDeliveryIsPending(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	if e := s.one(razorpay("payment.pending", "pending", "[]", 1795312800), razorpayEventID, "e"); e.Status != relay.Pending {
		t.Errorf("%+v", e)
	}
}

// Retries of older events are still signed with the old secret.
func TestRazorpayOldSecretStaysValid(t *testing.T) {
	body := razorpay("payment.captured", "captured", "[]", 1795312800)
	old := with(t, &schemes.Razorpay, schemes.RazorpayOptions{Secrets: []string{"old"}}).call(body, razorpayEventID, "e")
	both := schemes.RazorpayOptions{Secrets: []string{"fresh", "old"}}
	if _, err := with(t, &schemes.Razorpay, both).parse(old); err != nil {
		t.Error(err)
	}
	with(t, &schemes.Razorpay, schemes.RazorpayOptions{Secrets: []string{"fresh"}}).refused(callback.BadSignature, old)
}

// Fees have decimals, which another writer of JSON spells otherwise.
func TestRazorpayBodyWrittenAgain(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	r := s.call(razorpay("payment.captured", "captured", "[]", 1795312800), razorpayEventID, "e")
	var body any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.Body, err = json.Marshal(body); err != nil || bytes.Contains(r.Body, []byte("1180.10")) {
		t.Fatalf("%s, %v", r.Body, err)
	}
	s.refused(callback.BadSignature, r)
}

// The event's id is a header, which is not signed: under other ids a genuine call says the same once more, and no more.
func TestRazorpayEventIDIsNotSigned(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	var calls []callback.Request
	for i := range 5 {
		id := fmt.Sprint("e", i)
		calls = append(calls, s.call(razorpay("payment.captured", "captured", "[]", 1795312800), razorpayEventID, id),
			s.call(razorpayRefund("refund.processed", "rfnd_1", "[]", 10000), razorpayEventID, id+"r"))
	}
	state, told := s.log("order_1", calls...)
	if state.Refunded != "100.00" || state.Amount != "500.00" || state.Conflict || len(told) != 2 {
		t.Errorf("%+v, told %v; want one refund of 100.00", state, told)
	}
	calls = append(calls, s.call(razorpayRefund("refund.processed", "rfnd_2", "[]", 10000), razorpayEventID, "another"))
	if state, _ := s.log("order_1", calls...); state.Refunded != "200.00" {
		t.Errorf("%+v, want two refunds of 100.00", state)
	}
}

func TestRazorpayRefundEvents(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	for kind, want := range map[string]relay.Status{"refund.processed": relay.Refunded,
		"refund.failed": relay.RefundFailed} {
		if e := s.one(razorpayRefund(kind, "rfnd_1", "[]", 10000), razorpayEventID, "e"); e.Status != want ||
			e.RefundID != "rfnd_1" || e.TransactionID != "pay_1" {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	for _, kind := range []string{"refund.created", "refund.speed_changed", "payment.dispute.created",
		"payment_link.paid", "qr_code.credited"} {
		s.none(razorpayRefund(kind, "rfnd_1", "[]", 10000), razorpayEventID, "e")
	}
}

func TestRazorpayAccount(t *testing.T) {
	s := open(t, &schemes.Razorpay, func(o *schemes.RazorpayOptions) { o.AccountID = callback.List{"acc_2"} })
	body := razorpay("payment.captured", "captured", "[]", 1795312800)
	s.refused(callback.WrongAccount, s.call(body, razorpayEventID, "e"))
}

// What was authorized and never captured goes back by itself. The order was not paid by it, and may be by another payment.
func TestRazorpayAutoRefundIsNoRefund(t *testing.T) {
	s := open(t, &schemes.Razorpay)
	uncaptured := func(kind string) string {
		return strings.Replace(razorpayRefund(kind, "rfnd_1", "[]", 50000), `"status":"captured"`,
			`"status":"refunded","captured":false`, 1)
	}
	for _, kind := range []string{"refund.processed", "refund.failed"} {
		s.none(uncaptured(kind), razorpayEventID, "e1")
	}
	captured := s.call(razorpay("payment.captured", "captured", "[]", 1795312800), razorpayEventID, "e2")
	refund := s.call(uncaptured("refund.processed"), razorpayEventID, "e3")
	if state, _ := s.log("order_1", captured, refund); state.Status != relay.Paid || state.Conflict {
		t.Errorf("%+v", state)
	}
	body := strings.Replace(uncaptured("refund.processed"), `"captured":false`, `"captured":true`, 1)
	if e := s.one(body, razorpayEventID, "e4"); e.Status != relay.Refunded {
		t.Errorf("%+v", e)
	}
}
