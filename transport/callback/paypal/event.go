package paypal

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// statuses are what the types of events say about a payment. None of failed and closed is final: an order that the merchant
// numbers may be paid with another attempt, and PayPal promises of no id that it cannot be.
var statuses = map[string]relay.Status{
	// Payments API v2. A reversal takes the money back after a dispute or a bank's refusal.
	"PAYMENT.CAPTURE.PENDING":       relay.Pending,
	"PAYMENT.CAPTURE.COMPLETED":     relay.Paid,
	"PAYMENT.CAPTURE.DENIED":        relay.Failed,
	"PAYMENT.CAPTURE.DECLINED":      relay.Failed,
	"PAYMENT.CAPTURE.REFUNDED":      relay.Refunded,
	"PAYMENT.CAPTURE.REVERSED":      relay.Refunded,
	"PAYMENT.AUTHORIZATION.CREATED": relay.Pending, // the money is reserved, and not taken
	"PAYMENT.AUTHORIZATION.VOIDED":  relay.Closed,

	// Orders API v2. The payer agreed, or the merchant has what was agreed on captured or authorised: that money has come is
	// for the captures to say.
	"CHECKOUT.ORDER.SAVED":     relay.Pending,
	"CHECKOUT.ORDER.APPROVED":  relay.Pending,
	"CHECKOUT.ORDER.COMPLETED": relay.Pending,
	"CHECKOUT.ORDER.DECLINED":  relay.Failed,
	"CHECKOUT.ORDER.VOIDED":    relay.Closed,
	// The payer's money goes back before the merchant had it, because nobody captured it in time.
	"CHECKOUT.PAYMENT-APPROVAL.REVERSED": relay.Closed,

	// Payments API v1, which subscriptions still cause.
	"PAYMENT.SALE.PENDING":   relay.Pending,
	"PAYMENT.SALE.COMPLETED": relay.Paid,
	"PAYMENT.SALE.DENIED":    relay.Failed,
	"PAYMENT.SALE.REFUNDED":  relay.Refunded,
	"PAYMENT.SALE.REVERSED":  relay.Refunded,
}

// read returns the event of a body whose signature held. It is not ok if the body is not about a payment's status. The
// event's payment may not be a usable id.
func read(body []byte, paymentPath string) (e callback.Event, ok bool, _ *callback.Refusal) {
	root, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return e, false, refusal
	}
	e.ID, e.Type = callback.Printable(callback.Text(root.Get("id"))), callback.Printable(callback.Text(root.Get("event_type")))
	if e.ID == "" || e.Type == "" {
		return e, false, callback.Reject("the event has no id or no event_type")
	}
	if e.Status, ok = statuses[e.Type]; !ok {
		return e, false, nil
	}
	resource := root.Get("resource")
	if !resource.IsObject() {
		return e, false, callback.Reject("the event has no resource")
	}
	e.ProviderStatus = callback.Printable(callback.FirstText(resource, "status", "state"))
	refund := e.Status == relay.Refunded
	if refund && (e.ProviderStatus == "FAILED" || e.ProviderStatus == "CANCELLED") {
		return e, false, nil // the money did not go back
	}
	e.Final = refund || e.Status == relay.Paid
	e.Payment = paymentOf(root, resource, paymentPath, refund)
	e.TransactionID = callback.Printable(callback.FirstText(resource, "id", "order_id"))
	if refund && isRefund(root, resource) {
		e.RefundID = e.TransactionID
	}
	e.Time = callback.Instant(callback.Text(root.Get("create_time")))
	e.Amount, e.Currency, refusal = amountOf(resource, refund)
	return e, refusal == nil, refusal
}

// paymentOf returns the merchant's id of the payment. The second names are those of the Payments API v1. A refund that has
// none of them goes by the capture or sale that it is of: its own id is nobody's payment.
func paymentOf(root, resource gjson.Result, path string, refund bool) string {
	if path != "" {
		return callback.Text(root.Get(path))
	}
	id := callback.FirstText(resource, "purchase_units.0.custom_id", "purchase_units.0.invoice_id", "custom_id", "custom",
		"invoice_id", "invoice_number", "supplementary_data.related_ids.order_id", "order_id")
	if id == "" && refund {
		id = refunded(resource)
	}
	if id == "" {
		id = callback.FirstText(resource, "id")
	}
	return id
}

// refunded returns the id of the capture or sale that a refund is of.
func refunded(refund gjson.Result) string {
	for _, link := range refund.Get("links").Array() {
		if callback.Text(link.Get("rel")) != "up" {
			continue
		}
		_, id, _ := strings.Cut(callback.Text(link.Get("href")), "/v2/payments/captures/")
		if id != "" && strings.Trim(id, letters+digits+"-_") == "" {
			return id
		}
	}
	return callback.FirstText(refund, "sale_id", "capture_id")
}

// isRefund reports whether the resource is a refund, with an id of its own, and not the capture or sale itself.
func isRefund(root, resource gjson.Result) bool {
	return callback.Text(root.Get("resource_type")) == "refund" || refunded(resource) != ""
}

// amountOf returns the resource's amount, or its first purchase unit's. The Payments API v1 writes those of refunds with a
// minus sign.
func amountOf(resource gjson.Result, refund bool) (a relay.Amount, currency string, _ *callback.Refusal) {
	amount := resource.Get("amount")
	if !amount.Exists() {
		amount = resource.Get("purchase_units.0.amount")
	}
	value, code := amount.Get("value"), amount.Get("currency_code")
	if !value.Exists() {
		value, code = amount.Get("total"), amount.Get("currency")
	}
	if !value.Exists() || value.Type == gjson.Null {
		return "", "", nil
	}
	currency, refusal := callback.Currency(code, "resource.amount")
	if refusal != nil {
		return "", "", refusal
	}
	text := callback.Text(value)
	if refund {
		text = strings.TrimPrefix(text, "-")
	}
	a, err := relay.ParseAmount(text)
	if err != nil || strings.HasPrefix(text, "-") {
		return "", "", callback.Reject("resource.amount is not a decimal number")
	}
	return a, currency, nil
}
