package mollie

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// Ready reports that the API key is missing.
func (p *Provider) Ready() error {
	if err := p.api.Ready(); err != nil {
		return fmt.Errorf("mollie: %w", err)
	}
	return nil
}

// Fetch asks for the payment, or for what was paid by the payment link, that e names. See package fetch for what is
// repeated.
func (p *Provider) Fetch(ctx context.Context, e callback.Event) ([]callback.Event, error) {
	events, err := p.fetch(ctx, e)
	if _, refused := errors.AsType[*callback.Refusal](err); err != nil && !refused {
		err = fmt.Errorf("mollie: %w", err)
	}
	return events, err
}

func (p *Provider) fetch(ctx context.Context, e callback.Event) ([]callback.Event, error) {
	asked := e.TransactionID
	switch {
	case isPayment(asked):
		a, err := p.api.Get(ctx, "/v2/payments/"+asked+"?embed=refunds")
		if err != nil || !a.Found {
			return nil, err
		}
		if callback.Text(a.Object.Get("id")) != asked {
			return nil, callback.Reject("the API's answer is about another payment")
		}
		return p.said(a.Object, e.Type, asked)
	case isLink(asked):
		a, err := p.api.Get(ctx, "/v2/payment-links/"+asked+"/payments?limit=50")
		if err != nil || !a.Found {
			return nil, err
		}
		return p.paidBy(a.Object, e.Type, asked)
	default:
		return nil, callback.Reject("not an id that can be asked for")
	}
}

// paidBy returns the payments of a link that were paid, the oldest first. The others are attempts, and after each of them
// another may follow.
func (p *Provider) paidBy(list gjson.Result, kind, link string) (events []callback.Event, _ error) {
	payments := list.Get("_embedded.payments")
	if !payments.IsArray() {
		return nil, callback.Reject("the API's answer has no list of payments")
	}
	newestFirst := payments.Array()
	for _, payment := range slices.Backward(newestFirst) {
		if callback.Text(payment.Get("status")) != "paid" {
			continue
		}
		said, err := p.said(payment, kind, link)
		if err != nil {
			return nil, err
		}
		events = append(events, said...)
	}
	return events, nil
}

// statuses are Mollie's words, and the member that has the time at which a payment came to each.
var statuses = map[string]struct {
	status relay.Status
	time   string
}{
	"open":       {relay.Pending, "createdAt"},
	"pending":    {relay.Pending, "createdAt"},
	"authorized": {relay.Pending, "authorizedAt"},
	"paid":       {relay.Paid, "paidAt"},
	"canceled":   {relay.Closed, "canceledAt"},
	"expired":    {relay.Closed, "expiredAt"},
	"failed":     {relay.Failed, "failedAt"},
}

// said returns what a payment at Mollie comes to: its status, and then its refunds. The id stands in for the payment's if
// nothing in it names the merchant's. A chargeback is no refund, and is not told.
func (p *Provider) said(payment gjson.Result, kind, id string) ([]callback.Event, error) {
	if !p.profiles.Allows(callback.Text(payment.Get("profileId"))) {
		return nil, callback.Refuse(callback.WrongAccount, "the payment is of a profile that is not in profile_id")
	}
	word := callback.Text(payment.Get("status"))
	known, ok := statuses[word]
	if !ok {
		return nil, nil
	}
	transaction := callback.Text(payment.Get("id"))
	if !isPayment(transaction) {
		return nil, callback.Reject("the payment in the API's answer has no id")
	}
	e := callback.Event{Type: kind, Derived: true}
	e.ID, e.TransactionID, e.Payment = transaction, transaction, p.merchants(payment, id)
	e.Status, e.ProviderStatus = known.status, word
	e.Time = callback.Instant(callback.Text(payment.Get(known.time)))
	// All of Mollie's last words are definitive (docs.mollie.com/docs/status-change): of this payment at Mollie, but the merchant
	// may make another for the same order.
	e.Final = e.Status == relay.Paid || e.Status != relay.Pending && e.Payment == transaction
	if refusal := amount(&e, payment); refusal != nil {
		return nil, refusal
	}
	refunds, refusal := refunds(e, payment)
	if refusal != nil {
		return nil, refusal
	}
	return append([]callback.Event{e}, refunds...), nil
}

// merchants returns the merchant's id of a payment.
func (p *Provider) merchants(payment gjson.Result, otherwise string) string {
	if p.payment != "" {
		return callback.Text(payment.Get(p.payment))
	}
	if id := callback.Text(payment.Get("metadata.order_id")); id != "" {
		return id
	}
	return otherwise
}

// refunds returns what became of the refunds of a paid payment, the oldest first. One that is queued or pending can still be
// cancelled, so it is told when it is processing.
func refunds(paid callback.Event, payment gjson.Result) (events []callback.Event, _ *callback.Refusal) {
	for _, r := range slices.Backward(payment.Get("_embedded.refunds").Array()) {
		e := paid
		switch e.ProviderStatus = callback.Text(r.Get("status")); e.ProviderStatus {
		case "processing", "refunded":
			e.Status = relay.Refunded
		case "failed":
			e.Status = relay.RefundFailed
		default:
			continue
		}
		e.RefundID = callback.Printable(callback.Text(r.Get("id")))
		if e.RefundID == "" {
			return nil, callback.Reject("a refund in the API's answer has no id")
		}
		e.ID, e.Final = e.RefundID, true
		e.Time = callback.Instant(callback.Text(r.Get("createdAt")))
		if refusal := amount(&e, r); refusal != nil {
			return nil, refusal
		}
		events = append(events, e)
	}
	return events, nil
}

// amount reads {"amount":{"value":"10.00","currency":"EUR"}}.
func amount(e *callback.Event, of gjson.Result) (refusal *callback.Refusal) {
	if e.Currency, refusal = callback.Currency(of.Get("amount.currency"), "amount.currency"); refusal != nil {
		return refusal
	}
	e.Amount, refusal = callback.MajorAmount(of.Get("amount.value"), "amount.value")
	return refusal
}
