package mercadopago

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// read returns what a webhook with the signed id says has changed. It is not ok if that is no payment: orders, merchant
// orders, claims and subscriptions have webhooks of other types. Nothing in the body is signed, so that it decides no more
// than whether the payment is fetched.
func read(body []byte, id string) (e callback.Event, ok bool, _ *callback.Refusal) {
	root, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return e, false, refusal
	}
	if callback.Text(root.Get("type")) != "payment" {
		return e, false, nil
	}
	e.ID = callback.Printable(callback.Text(root.Get("id")))
	if e.Type = callback.Printable(callback.Text(root.Get("action"))); e.Type == "" {
		e.Type = "payment"
	}
	switch {
	case !isID(id):
		return e, false, callback.Reject("data.id in the query is not the number of a payment")
	case callback.Text(root.Get("data.id")) != id:
		return e, false, callback.Reject("data.id in the body is not the one in the query, which is signed")
	}
	e.Fetch, e.TransactionID = true, strings.Clone(id)
	return e, true, nil
}

// isID reports the shape of a payment's id: a number, for which 20 digits leave room.
func isID(id string) bool {
	return id != "" && id[0] != '0' && len(id) <= 20 && strings.Trim(id, "0123456789") == ""
}

// Ready reports that the access token is missing.
func (p *Provider) Ready() error {
	if err := p.api.Ready(); err != nil {
		return fmt.Errorf("mercadopago: %w", err)
	}
	return nil
}

// Fetch asks for the payment that e names. See package fetch for what is repeated.
func (p *Provider) Fetch(ctx context.Context, e callback.Event) ([]callback.Event, error) {
	id := e.TransactionID
	if !isID(id) {
		return nil, callback.Reject("not an id that can be asked for")
	}
	a, err := p.api.Get(ctx, "/v1/payments/"+id)
	if _, refused := errors.AsType[*callback.Refusal](err); refused {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("mercadopago: %w", err)
	}
	if !a.Found {
		return nil, nil
	}
	events, refusal := p.said(a.Object, e.Type, id)
	if refusal != nil {
		return nil, refusal
	}
	return events, nil
}

// statuses are Mercado Pago's words for a payment that has not been paid, and the member that has the time at which it came
// to each. That a rejected or cancelled one cannot be approved later is nowhere promised.
var statuses = map[string]struct {
	status relay.Status
	time   string
}{
	"pending":    {relay.Pending, "date_created"},
	"in_process": {relay.Pending, "date_created"},
	"authorized": {relay.Pending, "date_last_updated"},
	"rejected":   {relay.Failed, "date_last_updated"},
	"cancelled":  {relay.Closed, "date_last_updated"},
}

// said returns what a payment at Mercado Pago comes to: its status, and then what was refunded. One that is disputed
// (in_mediation) or charged back is not told.
func (p *Provider) said(payment gjson.Result, kind, id string) ([]callback.Event, *callback.Refusal) {
	if callback.Text(payment.Get("id")) != id {
		return nil, callback.Reject("the API's answer is about another payment")
	}
	if !p.collectors.Allows(callback.Text(payment.Get("collector_id"))) {
		return nil, callback.Refuse(callback.WrongAccount, "the payment is of a seller that is not in collector_id")
	}
	e := callback.Event{Type: kind, Derived: true}
	e.ID, e.TransactionID, e.Payment = id, id, p.merchants(payment, id)
	e.ProviderStatus = callback.Printable(callback.Text(payment.Get("status")))
	var refusal *callback.Refusal
	if e.Currency, refusal = callback.Currency(payment.Get("currency_id"), "currency_id"); refusal != nil {
		return nil, refusal
	}
	if e.Amount, refusal = callback.MajorAmount(payment.Get("transaction_amount"), "transaction_amount"); refusal != nil {
		return nil, refusal
	}
	if e.ProviderStatus == "approved" || e.ProviderStatus == "refunded" {
		return paid(e, payment)
	}
	known, ok := statuses[e.ProviderStatus]
	if !ok {
		return nil, nil
	}
	e.Status, e.Time = known.status, instant(payment, known.time)
	return []callback.Event{e}, nil
}

// paid returns what a payment comes to that was approved: that it was paid, and the total of its refunds. A refunded one was
// paid before, unless no time says so.
func paid(e callback.Event, payment gjson.Result) (events []callback.Event, _ *callback.Refusal) {
	e.Final = true
	if approved := instant(payment, "date_approved"); !approved.IsZero() || e.ProviderStatus == "approved" {
		e.Status, e.Time = relay.Paid, approved
		events = append(events, e)
	}
	total, refusal := callback.MajorAmount(payment.Get("transaction_amount_refunded"), "transaction_amount_refunded")
	if refusal != nil {
		return nil, refusal
	}
	if total.Cmp("0") > 0 {
		e.Amount = total
	} else if e.ProviderStatus != "refunded" {
		return events, nil
	}
	e.Status, e.Cumulative, e.Time = relay.Refunded, true, instant(payment, "date_last_updated")
	return append(events, e), nil
}

func instant(payment gjson.Result, member string) time.Time {
	return callback.Instant(callback.Text(payment.Get(member)))
}

// merchants returns the merchant's id of a payment.
func (p *Provider) merchants(payment gjson.Result, otherwise string) string {
	if p.payment != "" {
		return callback.Text(payment.Get(p.payment))
	}
	if id := callback.Text(payment.Get("external_reference")); id != "" {
		return id
	}
	return otherwise
}
