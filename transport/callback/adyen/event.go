package adyen

import (
	"cmp"
	"strings"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// outcome is what an event code says about a payment where success is true, and where it is false: the request for what
// the code names was not carried out. Empty is nothing that a waiter is told.
type outcome struct {
	done, refused relay.Status
	// final says that the payment's reference can never be paid afterwards. A reference can be tried again after a refusal,
	// a cancellation or an expiry, with another pspReference.
	final bool
}

// outcomes are the event codes that tell a payment's status.
//
// A REFUND that was refused is not told as refund_failed, which implies a paid payment: it may have been refused because
// nothing was captured yet. CANCEL_OR_REFUND does not say which of the two under its signature. Chargebacks, disputes,
// reports and whatever Adyen adds are no statuses of a payment.
var outcomes = map[string]outcome{
	"PENDING":           {done: relay.Pending},
	"AUTHORISATION":     {done: relay.Paid, refused: relay.Failed},
	"CAPTURE":           {done: relay.Paid},
	"CAPTURE_FAILED":    {done: relay.Failed, final: true},
	"CANCELLATION":      {done: relay.Closed},
	"TECHNICAL_CANCEL":  {done: relay.Closed},
	"OFFER_CLOSED":      {done: relay.Closed},
	"EXPIRE":            {done: relay.Closed},
	"REFUND":            {done: relay.Refunded},
	"REFUND_FAILED":     {done: relay.RefundFailed},
	"REFUNDED_REVERSED": {done: relay.RefundFailed},
}

// read translates items whose signatures held. Events are not Shared, whatever payments the items are about: each item has an
// id of its own, and it must be the same with whichever other items somebody who has seen them posts it again.
func (p *Provider) read(items []item) ([]callback.Event, *callback.Refusal) {
	for i := range items {
		if !p.accounts.Allows(items[i].merchantAccount) {
			return nil, callback.Refuse(callback.WrongAccount, "an item is of another merchant account than merchant_account")
		}
	}
	var events []callback.Event
	for i := range items {
		e, ok, refusal := p.event(&items[i])
		if refusal != nil {
			return nil, refusal
		}
		if ok {
			events = append(events, e)
		}
	}
	return events, nil
}

// event translates one item. It is not ok if the item does not tell a payment's status. Its payment may not be a usable
// id.
func (p *Provider) event(i *item) (e callback.Event, ok bool, _ *callback.Refusal) {
	told, known := outcomes[i.eventCode]
	if i.shifted(known) {
		return e, false, callback.Refuse(callback.BadSignature, "a field other than merchantReference has a colon, so that the signature fits other items too")
	}
	if !known {
		return e, false, nil
	}
	status := told.done
	switch i.success {
	case "true":
	case "false":
		status = told.refused
	default:
		return e, false, callback.Reject("success is neither true nor false")
	}
	if i.eventCode == "AUTHORISATION" && status == relay.Paid && p.manual {
		status = relay.Pending
	}
	if status == "" {
		return e, false, nil
	}
	reference := callback.Printable(i.pspReference)
	if reference == "" {
		return e, false, callback.Reject("an item has no pspReference")
	}
	amount, refusal := amountOf(i.value, i.currency)
	if refusal != nil {
		return e, false, refusal
	}
	e = callback.Event{Type: i.eventCode, Event: relay.Event{
		ID:             strings.Join([]string{i.eventCode, reference, i.success}, ":"),
		Payment:        i.merchantReference,
		Status:         status,
		Final:          told.final || status == relay.Paid || status == relay.Refunded || status == relay.RefundFailed,
		Amount:         amount,
		Currency:       i.currency,
		TransactionID:  cmp.Or(callback.Printable(i.originalReference), reference),
		ProviderStatus: i.eventCode,
	}}
	if status == relay.Refunded || status == relay.RefundFailed {
		e.RefundID = reference
	}
	return e, true, nil
}

// decimals are those of the currencies whose amounts Adyen does not write in the minor units of ISO 4217. Source:
// docs.adyen.com/development-resources/currency-codes, where these four "differ from standard" and CNH is listed, which
// ISO 4217 does not know.
var decimals = money.Units{"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2, "CNH": 2}

// amountOf returns major units, and nothing where there is no amount or the currency is unknown.
func amountOf(value, currency string) (relay.Amount, *callback.Refusal) {
	other := func(c rune) bool { return c < 'A' || c > 'Z' }
	switch {
	case currency != "" && len(currency) != 3 || strings.ContainsFunc(currency, other):
		return "", callback.Reject("the currency is not a code of three letters")
	case value == "":
		return "", nil
	}
	a, err := decimals.Major(value, currency)
	if err != nil || strings.HasPrefix(value, "-") {
		return "", callback.Reject("amount.value is not an integer of minor units")
	}
	return a, nil
}
