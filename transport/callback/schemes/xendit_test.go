package schemes_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

const xenditID = "Webhook-Id"

func xendit(id, status, amount string) string {
	return fmt.Sprintf(`{"id":%q,"external_id":"inv-1","status":%q,"amount":%s,"paid_amount":%s,"currency":"IDR",`+
		`"updated":"2026-11-22T02:00:00.000Z"}`, id, status, amount, amount)
}

// Whoever has seen one call can say anything: the token proves who calls, and the registration what is owed.
func TestXenditTokenCoversNothing(t *testing.T) {
	s := with(t, &schemes.Xendit, schemes.XenditOptions{CallbackTokens: []string{"the-token"}})
	r := s.call(xendit("a", "PAID", "50000"), xenditID, "w-1")
	r.Body = []byte(xendit("a", "PAID", "1"))
	if events, err := s.parse(r); err != nil || len(events) != 1 || events[0].Amount != "1" {
		t.Errorf("%+v, %v; if the body is proven, About and the sample should say so", events, err)
	}
	for _, token := range []string{"the-toke", "the-token-", "The-Token", "the-token,the-token", " the-token"} {
		s.refused(callback.BadSignature, callback.NewPost(http.Header{"X-Callback-Token": {token}}, r.Body))
	}
	flipped := []byte("the-token")
	for bit := range len(flipped) * 8 {
		flipped[bit/8] ^= 1 << (bit % 8)
		s.refused(callback.BadSignature, callback.NewPost(http.Header{"X-Callback-Token": {string(flipped)}}, r.Body))
		flipped[bit/8] ^= 1 << (bit % 8)
	}
	s.refused(callback.DuplicateHeader, callback.NewPost(http.Header{"X-Callback-Token": {"the-token", "the-token"}},
		r.Body))
	s.refused(callback.MissingHeader, callback.NewPost(http.Header{}, r.Body))
}

// Xendit posts an invoice as settled that it has posted as paid.
func TestXenditSettledAfterPaidIsOnePayment(t *testing.T) {
	s := open(t, &schemes.Xendit)
	paid, settled := s.call(xendit("a", "PAID", "50000"), xenditID, "w-1"), s.call(xendit("a", "SETTLED", "50000"),
		xenditID, "w-2")
	for _, calls := range [][]callback.Request{{paid, settled}, {settled, paid}, {paid, paid, settled}} {
		if state, told := s.log("inv-1", calls...); state.Status != relay.Paid || state.Conflict || len(told) != 1 ||
			state.Amount != "50000" {
			t.Errorf("%+v, told %v", state, told)
		}
	}
}

func TestXenditWithoutWebhookID(t *testing.T) {
	s := open(t, &schemes.Xendit)
	if e := s.one(xendit("a", "PAID", "50000")); e.ID != "a:PAID" {
		t.Errorf("%+v", e)
	}
	if state, told := s.log("inv-1", s.call(xendit("a", "PAID", "50000")),
		s.call(xendit("a", "PAID", "50000"))); len(told) != 1 {
		t.Errorf("%+v, told %v", state, told)
	}
}

// An expired invoice may be followed by another of the same order.
func TestXenditExpired(t *testing.T) {
	s := open(t, &schemes.Xendit)
	expired, paid := s.call(xendit("a", "EXPIRED", "50000"), xenditID, "w-1"), s.call(xendit("b", "PAID", "50000"),
		xenditID, "w-2")
	if state, _ := s.log("inv-1", expired); state.Status != relay.Closed || state.Final {
		t.Errorf("%+v", state)
	}
	if state, _ := s.log("inv-1", expired, paid); state.Status != relay.Paid || state.Conflict {
		t.Errorf("%+v", state)
	}
}

// Amounts are in major units, with or without decimals.
func TestXenditMajorUnits(t *testing.T) {
	s := open(t, &schemes.Xendit)
	for _, amount := range []string{"50000", "50000.00", "50000.5", "9007199254740993"} {
		if e := s.one(xendit("a", "PAID", amount), xenditID, "w"); string(e.Amount) != amount {
			t.Errorf("%s: %+v", amount, e)
		}
	}
	s.refused(callback.Malformed, s.call(xendit("a", "PAID", "5e4"), xenditID, "w"))
	s.refused(callback.Malformed, s.call(xendit("a", "PAID", "-50000"), xenditID, "w"))
}

func TestXenditOtherProducts(t *testing.T) {
	s := open(t, &schemes.Xendit)
	s.none(`{"event":"payment.succeeded","data":{"status":"SUCCEEDED","reference_id":"inv-1","amount":50000}}`, xenditID, "w")
	s.none(`{"id":"a","status":"PAID","amount":50000}`, xenditID, "w") // no external_id: no invoice
	s.none(`{"id":"a","external_id":"inv-1","status":"ACTIVE","amount":50000}`, xenditID, "w")
	s.none(xendit("a", "PENDING", "50000"), xenditID, "w")
}
