package schemes_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

func squarePayment(event, status, at, more string) string {
	return fmt.Sprintf(`{"merchant_id":"6SSW7HV8K2ST5","type":"payment.updated","event_id":%q,"created_at":%q,"data":{"type":"payment",`+
		`"id":"sq-1","object":{"payment":{"id":"sq-1","status":%q,"amount_money":{"amount":1500,"currency":"USD"}%s}}}}`, event, at, status, more)
}

func squareRefund(event, status string) string {
	return fmt.Sprintf(`{"merchant_id":"6SSW7HV8K2ST5","type":"refund.updated","event_id":%q,"created_at":"2026-11-22T03:00:00Z","data":{`+
		`"type":"refund","id":"re-1","object":{"refund":{"id":"re-1","status":%q,"payment_id":"sq-1","order_id":"so-1",`+
		`"amount_money":{"amount":700,"currency":"USD"}}}}}`, event, status)
}

// What is signed is the URL as it was entered at Square, byte for byte, and not the one that a proxy hands on.
func TestSquareConfiguredURL(t *testing.T) {
	key := func(notified string) func(*schemes.SquareOptions) {
		return func(o *schemes.SquareOptions) { o.SignatureKeys, o.NotificationURL = []string{"k"}, notified }
	}
	const entered = "https://pay.shop.example/v1/callbacks/square"
	r := open(t, &schemes.Square, key(entered)).call(squarePayment("e", "COMPLETED", "2026-11-22T02:00:00Z", ""))
	for _, arrived := range []string{"/v1/callbacks/square", "/", "/elsewhere?x=1",
		"http://10.0.0.1:8080/v1/callbacks/square"} {
		u, err := url.Parse(arrived)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		r.Header.Set("X-Forwarded-Host", "evil.example")
		if _, err := open(t, &schemes.Square, key(entered)).parse(r); err != nil {
			t.Errorf("arrived at %s: %v", arrived, err)
		}
	}
	for _, other := range []string{
		entered + "/", entered + "?", entered + "?x=1", "http://pay.shop.example/v1/callbacks/square", "https://pay.shop.example:443/v1/callbacks/square",
		"https://PAY.shop.example/v1/callbacks/square", "https://pay.shop.example/v1/callbacks/Square", " " + entered,
	} {
		open(t, &schemes.Square, key(other)).refused(callback.BadSignature, r)
	}
	if _, err := schemes.Square.New(schemes.SquareOptions{SignatureKeys: []string{"k"}}); err == nil {
		t.Error("made without the URL")
	}
}

func TestSquareRetiredSHA1(t *testing.T) {
	s := open(t, &schemes.Square, func(o *schemes.SquareOptions) { o.SignatureKeys = []string{"k"} })
	body := squarePayment("e", "COMPLETED", "2026-11-22T02:00:00Z", "")
	m := hmac.New(sha1.New, []byte("k"))
	m.Write([]byte("https://pay.shop.example/v1/callbacks/square" + body))
	sum := base64.StdEncoding.EncodeToString(m.Sum(nil))
	s.refused(callback.MissingHeader, callback.NewPost(http.Header{"X-Square-Signature": {sum}}, []byte(body)))
	s.refused(callback.BadSignature, callback.NewPost(http.Header{"X-Square-Hmacsha256-Signature": {sum}}, []byte(body)))
}

func TestSquareStatuses(t *testing.T) {
	s := open(t, &schemes.Square)
	for word, want := range map[string]relay.Status{"COMPLETED": relay.Paid, "APPROVED": relay.Pending,
		"PENDING": relay.Pending,
		"FAILED":  relay.Failed, "CANCELED": relay.Closed} {
		e := s.one(squarePayment("e", word, "2026-11-22T02:00:00Z", ""))
		// Square's own payment is over with this; it is known by Square's id here.
		if e.Status != want || e.Payment != "sq-1" || e.Amount != "15.00" || e.Final == (want == relay.Pending) {
			t.Errorf("%s: %+v", word, e)
		}
		e = s.one(squarePayment("e", word, "2026-11-22T02:00:00Z", `,"reference_id":"o-1","order_id":"so-1"`))
		if e.Payment != "o-1" || e.Final != (want == relay.Paid) {
			t.Errorf("%s: %+v, which another payment of the order may follow", word, e)
		}
	}
	s.none(squarePayment("e", "UNKNOWN", "2026-11-22T02:00:00Z", ""))
}

// A refund has no reference of the merchant's: the order by which the payment is known is not in it.
func TestSquareRefundNamesSquaresPayment(t *testing.T) {
	s := open(t, &schemes.Square)
	for word, want := range map[string]relay.Status{"COMPLETED": relay.Refunded, "REJECTED": relay.RefundFailed,
		"FAILED": relay.RefundFailed} {
		if e := s.one(squareRefund("e", word)); e.Status != want || e.Payment != "sq-1" || e.RefundID != "re-1" ||
			e.Amount != "7.00" {
			t.Errorf("%s: %+v", word, e)
		}
	}
	s.none(squareRefund("e", "PENDING"))
}

// Updates come in any order, and a completed payment is updated again when its fees are known and when it is refunded.
func TestSquareUpdatesInAnyOrder(t *testing.T) {
	s := open(t, &schemes.Square)
	approved := s.call(squarePayment("e1", "APPROVED", "2026-11-22T02:00:00Z", ""))
	completed := s.call(squarePayment("e2", "COMPLETED", "2026-11-22T02:00:01Z", ""))
	again := s.call(squarePayment("e3", "COMPLETED", "2026-11-22T02:00:09Z", `,"processing_fee":[]`))
	refund := s.call(squareRefund("e4", "COMPLETED"))
	for _, calls := range [][]callback.Request{
		{approved, completed, again}, {completed, approved, again}, {again, completed, approved},
		{completed, completed, completed, approved},
	} {
		state, told := s.log("sq-1", calls...)
		if state.Status != relay.Paid || state.Conflict || !slices.Equal(told[len(told)-1:], []relay.Status{relay.Paid}) ||
			slices.Index(told, relay.Paid) != len(told)-1 {
			t.Errorf("%+v, told %v", state, told)
		}
	}
	if state, _ := s.log("sq-1", completed, refund, again, refund); state.Status != relay.Refunded ||
		state.Refunded != "7.00" || state.Conflict {
		t.Errorf("%+v", state)
	}
}

func TestSquareMerchant(t *testing.T) {
	s := open(t, &schemes.Square, func(o *schemes.SquareOptions) { o.MerchantID = callback.List{"M2"} })
	s.refused(callback.WrongAccount, s.call(squarePayment("e", "COMPLETED", "2026-11-22T02:00:00Z", "")))
}
