package mollie

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/callback/fetch/simulator"
	units "github.com/tillbell/tillbell/transport/money"
)

var _ fetch.Simulated = (*Options)(nil)

// Simulate implements fetch.Simulated.
func (o *Options) Simulate(base string) http.Handler {
	o.APIBase = base
	o.APIKey = cmp.Or(o.APIKey, "test_"+rand.Text())
	return NewSimulator(*o)
}

// NewSimulator returns a stand-in of Mollie's API as far as a Provider asks it: GET /v2/payments/ID with or without
// embed=refunds, and GET /v2/payment-links/ID/payments. What is announced with a link's id, pl_…, is the one payment of that
// link.
func NewSimulator(o Options) *simulator.API {
	a := simulator.New(o.APIKey, simulator.Dialect{ContentType: "application/hal+json", Problem: problem, Valid: isPaymentOrLink})
	a.Serve("/v2/payments/{id}", func(r *http.Request, p simulator.Payment) (any, error) {
		return o.object(p, slices.Contains(strings.Split(r.URL.Query().Get("embed"), ","), "refunds"))
	})
	a.Serve("/v2/payment-links/{id}/payments", func(_ *http.Request, p simulator.Payment) (any, error) {
		p.ID = "tr_" + strings.TrimPrefix(p.ID, "pl_")
		payment, err := o.object(p, false)
		payment["metadata"] = nil // a link has none
		return object{"count": 1, "_embedded": object{"payments": []any{payment}}, "_links": object{"previous": nil, "next": nil}}, err
	})
	return a
}

// object is a JSON object.
type object = map[string]any

// problem is an error as docs.mollie.com/reference/handling-errors describes it.
func problem(status int, id string) any {
	detail := map[int]string{
		http.StatusUnauthorized:    "Missing authentication, or failed to authenticate",
		http.StatusNotFound:        "No payment exists with token " + id + ".",
		http.StatusTooManyRequests: "Too many requests, please slow down.",
	}[status]
	return object{"status": status, "title": http.StatusText(status), "detail": cmp.Or(detail, http.StatusText(status)),
		"_links": object{"documentation": link("https://docs.mollie.com/overview/handling-errors", "text/html")}}
}

func link(href, kind string) object { return object{"href": href, "type": kind} }

func resource(path string) object { return link(defaultBase+"/v2/"+path, "application/hal+json") }

// word is Mollie's for a status.
func word(s relay.Status) string {
	return map[relay.Status]string{relay.Pending: "pending", relay.Paid: "paid", relay.Failed: "failed", relay.Closed: "expired"}[s]
}

// object returns a payment as GET /v2/payments/ID does.
func (o *Options) object(p simulator.Payment, embed bool) (object, error) {
	status := word(p.Status)
	payment := object{
		"resource": "payment", "id": p.ID, "mode": "test", "createdAt": stamp(p.Created),
		"amount":      money(p.Amount, p.Currency),
		"description": "Order " + p.Payment, "method": "ideal", "metadata": nil,
		"status": status, "isCancelable": false, "profileId": cmp.Or(p.Account, o.ProfileID.First("pfl_simulated")),
		"sequenceType": "oneoff", "redirectUrl": "https://webshop.example.org/order",
		"_links": object{"self": resource("payments/" + p.ID),
			"documentation": link("https://docs.mollie.com/reference/get-payment", "text/html")},
	}
	if p.Status != relay.Pending {
		payment[statuses[status].time] = stamp(p.Changed)
	}
	if p.Status == relay.Paid {
		refunded := cmp.Or(p.Refunded(), "0.00")
		payment["amountRefunded"] = money(refunded, p.Currency)
		payment["amountRemaining"] = money(p.Amount.Plus("-"+refunded), p.Currency)
	}
	if embed {
		refunds := make([]any, 0, len(p.Refunds))
		for _, r := range slices.Backward(p.Refunds) {
			refunds = append(refunds, refund(p, r))
		}
		payment["_embedded"] = object{"refunds": refunds}
	}
	return payment, callback.Place(payment, cmp.Or(o.Fields.Payment, "metadata.order_id"), p.Payment)
}

// refund returns a refund as GET /v2/payments/ID/refunds/ID does.
func refund(p simulator.Payment, r simulator.Refund) object {
	status := "refunded"
	if r.Failed {
		status = "failed"
	}
	return object{
		"resource": "refund", "id": r.ID, "mode": "test", "amount": money(r.Amount, p.Currency), "status": status,
		"description": "Order " + p.Payment, "metadata": nil, "paymentId": p.ID, "createdAt": stamp(r.Time),
		"_links": object{"self": resource("payments/" + p.ID + "/refunds/" + r.ID), "payment": resource("payments/" + p.ID)},
	}
}

// money writes an amount with as many decimals as its currency has. One that has more is left as it is.
func money(a relay.Amount, currency string) object {
	if minor, err := units.ToMinor(a, currency); err == nil {
		if exact, err := units.FromMinor(minor, currency); err == nil {
			a = exact
		}
	}
	return object{"currency": currency, "value": string(a)}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-07:00") }
