package mollie

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/transport/callback"
)

const (
	header = "X-Mollie-Signature"
	prefix = "sha256=" // which the official PHP library takes with and without
)

// sign returns the signature of a next-gen webhook without its prefix: the MAC of the raw body in lower-case hex.
func sign(s *callback.Secret, body []byte) string {
	sum := s.Sum(body)
	return hex.EncodeToString(sum[:])
}

// verify checks the signature of a next-gen webhook. Comparing the encoded texts, in constant time, allows no other
// spelling of the same bytes.
func (p *Provider) verify(r callback.Request) *callback.Refusal {
	value, refusal := callback.Header(r.Header, header)
	if refusal != nil {
		return refusal
	}
	given := strings.TrimPrefix(value, prefix)
	if len(given) == 2*sha256.Size {
		for _, s := range p.secrets {
			if hmac.Equal([]byte(given), []byte(sign(s, r.Body))) {
				return nil
			}
		}
	}
	return callback.Refuse(callback.BadSignature, "no secret in secrets makes this signature")
}

// maxForm bounds the body of a classic webhook, which is id=tr_… and nothing else.
const maxForm = 1 << 10

// readForm returns what a classic webhook names. Nothing in it is proven.
func readForm(body []byte) (e callback.Event, ok bool, _ *callback.Refusal) {
	malformed := callback.Refuse(callback.Malformed, "the body is not a form with one id of Mollie's, as in id=tr_…")
	if len(body) > maxForm {
		return e, false, malformed
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["id"]) != 1 || !isID(form["id"][0]) {
		return e, false, malformed
	}
	e.Fetch, e.Type, e.TransactionID = true, "payment", form["id"][0]
	return e, isPayment(e.TransactionID), nil // an order's id, ord_…, is not one
}

// readEvent returns what a next-gen webhook says has changed. Its signature held.
func readEvent(body []byte) (e callback.Event, ok bool, _ *callback.Refusal) {
	root, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return e, false, refusal
	}
	e.ID = callback.Printable(callback.Text(root.Get("id")))
	e.Type = callback.Printable(callback.Text(root.Get("type")))
	if callback.Text(root.Get("resource")) != "event" || e.ID == "" || e.Type == "" {
		return e, false, callback.Reject("the body is not an event with an id and a type")
	}
	switch kind, _, _ := strings.Cut(e.Type, "."); kind {
	case "payment", "payment-link":
		e.TransactionID = callback.Text(root.Get("entityId"))
	case "refund":
		e.TransactionID = refunded(root)
	default:
		return e, false, nil
	}
	if !isPaymentOrLink(e.TransactionID) {
		return e, false, callback.Reject("the event names no payment, tr_…, and no payment link, pl_…")
	}
	e.Fetch = true
	return e, true, nil
}

// refunded returns the id of the payment that the event's refund is of: by its own id alone a refund cannot be fetched. A
// full payload has it in the snapshot, any in the refund's address, …/v2/payments/tr_…/refunds/re_….
func refunded(root gjson.Result) string {
	if id := callback.Text(root.Get("_embedded.entity.paymentId")); id != "" {
		return id
	}
	_, path, _ := strings.Cut(callback.Text(root.Get("_links.entity.href")), "/payments/")
	id, _, _ := strings.Cut(path, "/")
	return id
}

// maxID is longer than any id that is known; there are some with 10 and some with 22 characters behind the line.
const maxID = 64

// isID reports the shape of all ids at Mollie: a kind and a name, as in tr_5B8cwPMGnU. Nothing in it has a meaning in a URL.
func isID(id string) bool {
	kind, name, _ := strings.Cut(id, "_")
	other := func(c rune) bool { return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') }
	return len(id) <= maxID && kind != "" && name != "" &&
		!strings.ContainsFunc(kind, func(c rune) bool { return c < 'a' || c > 'z' }) && !strings.ContainsFunc(name, other)
}

func isPayment(id string) bool { return isID(id) && strings.HasPrefix(id, "tr_") }

func isLink(id string) bool { return isID(id) && strings.HasPrefix(id, "pl_") }

func isPaymentOrLink(id string) bool { return isPayment(id) || isLink(id) }
