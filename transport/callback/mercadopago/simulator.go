package mercadopago

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/callback/fetch/simulator"
)

var _ fetch.Simulated = (*Options)(nil)

// Simulate implements fetch.Simulated.
func (o *Options) Simulate(base string) http.Handler {
	o.APIBase = base
	o.APIKey = cmp.Or(o.APIKey, "TEST-"+rand.Text())
	return NewSimulator(*o)
}

// NewSimulator returns a stand-in of Mercado Pago's API as far as a Provider asks it: GET /v1/payments/ID.
func NewSimulator(o Options) *simulator.API {
	a := simulator.New(o.APIKey, simulator.Dialect{ContentType: "application/json; charset=utf-8", Problem: problem, Valid: isID})
	a.Serve("/v1/payments/{id}", func(_ *http.Request, p simulator.Payment) (any, error) { return o.object(p) })
	return a
}

// object is a JSON object.
type object = map[string]any

// problem is an error as the API writes it.
func problem(status int, _ string) any {
	said := map[int]struct {
		message, code string
		cause         int
	}{
		http.StatusUnauthorized:    {"invalid access token", "unauthorized", 5},
		http.StatusNotFound:        {"Payment not found", "not_found", 2000},
		http.StatusTooManyRequests: {"too many requests", "too_many_requests", 429},
	}
	e, ok := said[status]
	if !ok {
		return object{"message": "internal_error", "error": "internal_error", "status": status, "cause": []any{}}
	}
	return object{"message": e.message, "error": e.code, "status": status,
		"cause": []any{object{"code": e.cause, "description": e.message, "data": nil}}}
}

// words are the status of a payment and its detail.
var words = map[relay.Status][2]string{
	relay.Pending: {"pending", "pending_waiting_transfer"},
	relay.Failed:  {"rejected", "cc_rejected_other_reason"},
	relay.Closed:  {"cancelled", "expired"},
	relay.Paid:    {"approved", "accredited"},
}

// object returns a payment as GET /v1/payments/ID does.
func (o *Options) object(p simulator.Payment) (object, error) {
	status, detail := words[p.Status][0], words[p.Status][1]
	total := cmp.Or(p.Refunded(), "0")
	switch {
	case total == "0":
	case total.Cmp(p.Amount) < 0:
		detail = "partially_refunded"
	default:
		status, detail = "refunded", "refunded"
	}
	changed, refunds := p.Changed, make([]any, 0, len(p.Refunds))
	for _, r := range p.Refunds {
		changed = r.Time
		refunds = append(refunds, object{"id": number("1" + callback.Digits(r.ID, 9)), "payment_id": number(p.ID), "amount": number(string(r.Amount)),
			"status": "approved", "refund_mode": "standard", "date_created": stamp(r.Time), "reason": nil, "unique_sequence_number": nil,
			"source": object{"id": p.Account, "name": "Shop", "type": "collector"}})
	}
	payment := object{
		"id": number(p.ID), "date_created": stamp(p.Created), "date_approved": nil, "date_last_updated": stamp(changed),
		"date_of_expiration": nil, "operation_type": "regular_payment", "payment_method_id": "pix", "payment_type_id": "bank_transfer",
		"status": status, "status_detail": detail, "currency_id": p.Currency, "description": "Order", "live_mode": false,
		"collector_id": number(p.Account), "payer": object{"type": "guest", "id": "1", "email": "payer@example.org"},
		"metadata": object{}, "additional_info": object{}, "order": object{}, "external_reference": nil,
		"transaction_amount": number(string(p.Amount)), "transaction_amount_refunded": number(string(total)), "captured": true,
		"installments": 1, "refunds": refunds, "fee_details": []any{},
	}
	if p.Status == relay.Paid {
		payment["date_approved"] = stamp(p.Changed)
	}
	return payment, callback.Place(payment, cmp.Or(o.Fields.Payment, "external_reference"), p.Payment)
}

// number writes digits as JSON writes a number.
func number(digits string) json.Number { return json.Number(digits) }

// stamp writes a time as the API does, in its zone.
func stamp(t time.Time) string {
	return t.In(time.FixedZone("", -4*60*60)).Format("2006-01-02T15:04:05.000-07:00")
}
