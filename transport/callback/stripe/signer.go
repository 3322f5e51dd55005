package stripe

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// Signer posts events as Stripe does. It may be used from many goroutines.
type Signer struct {
	verifier *scheme.Verifier
	payment  string // as Provider's
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first of o's secrets if key is empty. The error names
// the setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	if key != "" {
		o.Secrets = []string{key}
	}
	v, err := verifier(o)
	if err != nil {
		return nil, fmt.Errorf("stripe: to sign: %w", err)
	}
	return &Signer{verifier: v, payment: o.Fields.Payment}, nil
}

// Throwaway returns settings with fresh secrets, which suffice to sign: one, and the one before it.
func Throwaway() (Options, string, error) {
	return Options{Secrets: []string{"whsec_" + rand.Text() + rand.Text(), "whsec_" + rand.Text() + rand.Text()}}, "", nil
}

// Sign returns the callback that says n, signed at the time at. Equal notifications with an ID give equal callbacks.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	event, err := s.event(n.Filled(About.Currency, at))
	if err != nil {
		return callback.Request{}, fmt.Errorf("stripe: sign: %w", err)
	}
	body, err := json.Marshal(event)
	if err != nil {
		return callback.Request{}, fmt.Errorf("stripe: sign: %w", err)
	}
	h := make(http.Header)
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	if err := s.verifier.Sign(h, body, at); err != nil {
		return callback.Request{}, fmt.Errorf("stripe: sign: %w", err)
	}
	return callback.NewPost(h, body), nil
}

// apiVersion is what the events claim to be rendered for.
const apiVersion = "2026-02-25.clover"

// jsonObject is written with its members in order: encoding/json sorts them.
type jsonObject = map[string]any

func (s *Signer) event(n callback.Notification) (jsonObject, error) {
	amount, err := units.Minor(n.Amount, n.Currency)
	if err != nil {
		return nil, err
	}
	kind, data, err := statementFor(n, json.Number(amount))
	if err != nil {
		return nil, err
	}
	event := jsonObject{
		"id":               cmp.Or(n.ID, "evt_"+rand.Text()),
		"object":           "event",
		"api_version":      apiVersion,
		"created":          n.Time.Unix(),
		"data":             jsonObject{"object": data},
		"livemode":         false,
		"pending_webhooks": 1,
		"request":          jsonObject{"id": nil, "idempotency_key": nil},
		"type":             kind,
	}
	if s.payment == "" {
		return event, nil
	}
	return event, callback.Place(event, s.payment, n.Payment)
}

// statementFor returns the type of event for a status, and its object.
func statementFor(n callback.Notification, amount json.Number) (kind string, _ jsonObject, err error) {
	switch n.Status {
	case relay.Paid:
		data := intent(n, "succeeded", amount)
		data["amount_received"] = amount
		data["latest_charge"] = id("ch", n.Payment)
		return "payment_intent.succeeded", data, nil
	case relay.Pending:
		return "payment_intent.processing", intent(n, "processing", amount), nil
	case relay.Failed:
		data := intent(n, "requires_payment_method", amount)
		data["last_payment_error"] = jsonObject{"type": "card_error", "code": "card_declined",
			"decline_code": "generic_decline", "message": "Your card was declined."}
		return "payment_intent.payment_failed", data, nil
	case relay.Closed:
		data := intent(n, "canceled", amount)
		data["canceled_at"] = n.Time.Unix()
		data["cancellation_reason"] = "abandoned"
		return "payment_intent.canceled", data, nil
	case relay.Refunded:
		return "charge.refunded", refundedCharge(n, amount), nil
	case relay.RefundFailed:
		return "refund.failed", failedRefund(n, amount), nil
	default:
		return "", nil, fmt.Errorf("no event tells the status %q; there are events for paid, pending, failed, closed, "+
			"refunded and refund_failed", n.Status)
	}
}

func intent(n callback.Notification, status string, amount json.Number) jsonObject {
	return jsonObject{
		"id":                   intentID(n),
		"object":               "payment_intent",
		"amount":               amount,
		"amount_capturable":    0,
		"amount_received":      0,
		"capture_method":       "automatic",
		"created":              n.Time.Unix(),
		"currency":             strings.ToLower(n.Currency),
		"livemode":             false,
		"metadata":             jsonObject{"order_id": n.Payment},
		"payment_method_types": []string{"card"},
		"status":               status,
	}
}

func refundedCharge(n callback.Notification, amount json.Number) jsonObject {
	return jsonObject{
		"id":              id("ch", n.Payment),
		"object":          "charge",
		"amount":          amount,
		"amount_captured": amount,
		"amount_refunded": amount,
		"captured":        true,
		"created":         n.Time.Unix(),
		"currency":        strings.ToLower(n.Currency),
		"livemode":        false,
		"metadata":        jsonObject{"order_id": n.Payment},
		"paid":            true,
		"payment_intent":  intentID(n),
		"refunded":        true,
		"status":          "succeeded",
	}
}

func failedRefund(n callback.Notification, amount json.Number) jsonObject {
	return jsonObject{
		"id":             id("re", n.Payment),
		"object":         "refund",
		"amount":         amount,
		"charge":         id("ch", n.Payment),
		"created":        n.Time.Unix(),
		"currency":       strings.ToLower(n.Currency),
		"failure_reason": "expired_or_canceled_card",
		"metadata":       jsonObject{"order_id": n.Payment},
		"payment_intent": intentID(n),
		"status":         "failed",
	}
}

// intentID is the same in all events of a payment.
func intentID(n callback.Notification) string {
	if n.TransactionID == "" && strings.HasPrefix(n.Payment, "pi_") {
		return n.Payment
	}
	return cmp.Or(n.TransactionID, id("pi", n.Payment))
}

// id returns an object's id that follows from the payment.
func id(prefix, payment string) string {
	sum := sha256.Sum256([]byte(prefix + payment))
	return prefix + "_3" + hex.EncodeToString(sum[:12])
}
