package schemes_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

const paystackCharge = `{"event":"charge.success","data":{"id":302961,"status":"success","reference":"o-1","amount":10000,"currency":"NGN",` +
	`"metadata":{"note":"a/b & ü"}}}`

func TestPaystackSHA512(t *testing.T) {
	s := with(t, &schemes.Paystack, schemes.Options{Secrets: []string{"sk_live_k"}})
	m := hmac.New(sha512.New, []byte("sk_live_k"))
	m.Write([]byte(paystackCharge))
	sum := hex.EncodeToString(m.Sum(nil))
	if _, err := s.parse(callback.NewPost(http.Header{"X-Paystack-Signature": {sum}}, []byte(paystackCharge))); err != nil {
		t.Error(err)
	}
	s.refused(callback.BadSignature, callback.NewPost(http.Header{"X-Paystack-Signature": {sum[:64]}},
		[]byte(paystackCharge)))
	m = hmac.New(sha256.New, []byte("sk_live_k"))
	m.Write([]byte(paystackCharge))
	sum = hex.EncodeToString(m.Sum(nil))
	s.refused(callback.BadSignature, callback.NewPost(http.Header{"X-Paystack-Signature": {sum}}, []byte(paystackCharge)))
}

// Paystack's own sample hashes what it wrote itself.
func TestPaystackBodyWrittenAgain(t *testing.T) {
	s := open(t, &schemes.Paystack)
	r := s.call(paystackCharge)
	var body any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	r.Body, _ = json.Marshal(body)
	s.refused(callback.BadSignature, r)
}

// There is no id of the event: what it says is what repeats are told by.
func TestPaystackNoEventID(t *testing.T) {
	s := open(t, &schemes.Paystack)
	paid := s.call(paystackCharge)
	refund := func(rest string) callback.Request {
		return s.call(`{"event":"refund.processed","data":{"transaction_reference":"o-1","currency":"NGN",` + rest + `}}`)
	}
	for name, c := range map[string]struct {
		calls    []callback.Request
		refunded relay.Amount
	}{
		"the same refund": {[]callback.Request{refund(`"id":77,"amount":"1000"`),
			refund(`"id":77,"amount":"1000"`)}, "10.00"},
		"two by id": {[]callback.Request{refund(`"id":77,"amount":"1000"`),
			refund(`"id":78,"amount":"1000"`)}, "20.00"},
		"two by reference": {[]callback.Request{refund(`"refund_reference":"r1","amount":1000`),
			refund(`"refund_reference":"r2","amount":1000`)}, "20.00"},
		"two by amount": {[]callback.Request{refund(`"refund_reference":null,"amount":1000`),
			refund(`"refund_reference":null,"amount":500`)}, "15.00"},
		"nothing to tell them": {[]callback.Request{refund(`"amount":1000`), refund(`"amount":1000`)}, "10.00"},
	} {
		state, _ := s.log("o-1", append([]callback.Request{paid, paid}, c.calls...)...)
		if state.Status != relay.Refunded || state.Amount != "100.00" || state.Refunded != c.refunded || state.Conflict {
			t.Errorf("%s: %+v, want %s refunded", name, state, c.refunded)
		}
	}
}

func TestPaystackStatuses(t *testing.T) {
	s := open(t, &schemes.Paystack)
	failed := strings.NewReplacer("charge.success", "charge.failed", `"success"`, `"failed"`).Replace(paystackCharge)
	if e := s.one(failed); e.Status != relay.Failed || e.Final {
		t.Errorf("%+v", e)
	}
	refund := `{"event":"refund.failed","data":{"id":7,"transaction_reference":"o-1","amount":"1000","currency":"NGN"}}`
	if e := s.one(refund); e.Status != relay.RefundFailed {
		t.Errorf("%+v", e)
	}
	for _, kind := range []string{"charge.dispute.create", "transfer.success", "refund.pending", "refund.processing",
		"refund.needs-attention",
		"paymentrequest.success", "invoice.update"} {
		s.none(strings.Replace(paystackCharge, "charge.success", kind, 1))
	}
}

// Paystack counts hundredths also of francs, which have none.
func TestPaystackHundredthsOfFrancs(t *testing.T) {
	s := open(t, &schemes.Paystack)
	for _, currency := range []string{"NGN", "GHS", "ZAR", "KES", "USD", "EGP", "XOF", "RWF"} {
		if e := s.one(strings.Replace(paystackCharge, "NGN", currency, 1)); e.Amount != "100.00" {
			t.Errorf("%s: %s", currency, e.Amount)
		}
		r := s.said(callback.Notification{Status: relay.Paid, Amount: "100", Currency: currency})
		if !strings.Contains(string(r.Body), `"amount":10000,`) {
			t.Errorf("%s: signed %s", currency, r.Body)
		}
	}
}
