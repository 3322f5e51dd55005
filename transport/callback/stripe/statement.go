package stripe

import (
	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// statement is what a type of event says about a payment.
type statement struct {
	status relay.Status
	amount string // where the object has the amount, in Stripe's minor units
	word   string // where the object has Stripe's word for the status
	// ends says that the object itself can never be paid afterwards. The payment then cannot either, if it is known by
	// the object's id; an order that the merchant numbers may be paid through another object.
	ends       bool
	cumulative bool
	refund     string // the refund's id
}

// statementOf reads the types that tell a payment's status; of the others it is not ok.
func statementOf(event string, object gjson.Result) (s statement, ok bool) {
	switch event {
	case "payment_intent.succeeded":
		return statement{status: relay.Paid, amount: "amount_received", word: "status"}, true
	case "payment_intent.processing", "payment_intent.amount_capturable_updated":
		return statement{status: relay.Pending, amount: "amount", word: "status"}, true
	case "payment_intent.payment_failed": // the payer may try again with the same intent
		return statement{status: relay.Failed, amount: "amount", word: "status"}, true
	case "payment_intent.canceled":
		return statement{status: relay.Closed, amount: "amount", word: "status", ends: true}, true
	case "checkout.session.completed", "checkout.session.async_payment_succeeded",
		"checkout.session.async_payment_failed", "checkout.session.expired":
		return session(event, object)
	case "charge.succeeded":
		return charge(object), true
	case "charge.refunded":
		return chargeRefunded(object), true
	case "charge.refund.updated":
		if callback.Text(object.Get("status")) != "failed" {
			return s, false
		}
		return refundFailed(object), true
	case "refund.failed":
		return refundFailed(object), true
	default:
		return s, false
	}
}

// session reads the checkout sessions. One of mode setup stores a means of payment and collects nothing.
func session(event string, object gjson.Result) (statement, bool) {
	s := statement{amount: "amount_total", word: "payment_status"}
	if callback.Text(object.Get("mode")) == "setup" {
		return s, false
	}
	switch event {
	case "checkout.session.async_payment_succeeded":
		s.status = relay.Paid
	case "checkout.session.async_payment_failed":
		s.status = relay.Failed
	case "checkout.session.expired":
		s.status, s.ends = relay.Closed, true
	default:
		switch callback.Text(object.Get("payment_status")) {
		case "paid", "no_payment_required":
			s.status = relay.Paid
		default: // unpaid: a bank debit, say, whose money is still to come
			s.status = relay.Pending
		}
	}
	return s, true
}

// charge reads charge.succeeded, which without a capture is only an authorisation.
func charge(object gjson.Result) statement {
	if !object.Get("captured").Bool() {
		return statement{status: relay.Pending, amount: "amount", word: "status"}
	}
	s := statement{status: relay.Paid, amount: "amount_captured", word: "status"}
	if object.Get(s.amount).Type != gjson.Number { // older API versions do not send it
		s.amount = "amount"
	}
	return s
}

// chargeRefunded reads charge.refunded, which also tells that an authorisation was released: that money was never
// paid.
func chargeRefunded(object gjson.Result) statement {
	if object.Get("captured").Type == gjson.False {
		return statement{status: relay.Closed, amount: "amount", word: "status"}
	}
	return statement{status: relay.Refunded, amount: "amount_refunded", word: "status", cumulative: true}
}

func refundFailed(object gjson.Result) statement {
	return statement{status: relay.RefundFailed, amount: "amount", word: "status",
		refund: callback.Printable(callback.Text(object.Get("id")))}
}
