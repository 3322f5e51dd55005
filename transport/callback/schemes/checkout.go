package schemes

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// CheckoutCom posts the events of a workflow. payment_approved is an authorisation; money moves with payment_captured.
//
// Sources: checkout.com/docs/workflows/set-up-your-webhook-receiver, …/docs/workflows/webhook-event-types.
var CheckoutCom = scheme.Scheme[Options]{
	About: callback.About{
		Name:     "checkout-com",
		Label:    "Checkout.com",
		Proof:    "HMAC-SHA256 of the raw body",
		Window:   "none",
		EventID:  "`id`",
		Currency: "USD",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Closed, relay.Refunded, relay.RefundFailed},
		Vectors:  8,
		Unconfirmed: []string{
			"How often Checkout.com tries is not published: pauses that double up to eight hours are assumed.",
			"No official code verifies callbacks offline: the vectors were signed by the documentation's rule alone.",
		},
		Sample: `checkout:
  provider: checkout-com
  secrets: ["${CHECKOUT_SIGNATURE_KEY}"]
`,
		Steps: []string{
			"In the dashboard, open Developers, then Workflows, and create one with a webhook action.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as its URL.",
			"Set a signature key, and the same in secrets.",
			"Choose the payment events: approved, captured, declined, canceled, voided, expired, refunded and refund declined.",
			"Use the order's id as the payment's reference.",
		},
		Retries: []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute,
			160 * time.Minute, 8 * time.Hour, 8 * time.Hour},
	},
	Proof: scheme.MAC{Header: "Cko-Signature"},
	Reading: scheme.Reading{
		ID:   scheme.At("id"),
		Type: scheme.At("type"),
		Time: scheme.At("timestamp", "created_on"), // a workflow's, and what came before workflows
		// checkout.com/docs/payments/accept-payments/format-the-payment-amount: the last two digits of CLP are always 00.
		Decimals: map[string]int{"CLP": 2},
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{
				{Name: "payment_captured", Status: relay.Paid},
				{Name: "payment_approved", Status: relay.Pending},
				{Name: "payment_pending", Status: relay.Pending},
				{Name: "payment_declined", Status: relay.Failed},
				{Name: "payment_canceled", Status: relay.Closed, Ends: true},
				{Name: "payment_voided", Status: relay.Closed, Ends: true},
				{Name: "payment_expired", Status: relay.Closed, Ends: true},
			},
			Payment:     []string{"data.reference", "data.id"},
			Transaction: "data.id",
			Amount:      "data.amount",
			Currency:    "data.currency",
			Example:     checkoutExample,
		},
		{
			Types: []scheme.Meaning{
				{Name: "payment_refunded", Status: relay.Refunded},
				{Name: "payment_refund_declined", Status: relay.RefundFailed},
			},
			Payment:     []string{"data.reference", "data.id"},
			Transaction: "data.id",
			Refund:      "data.action_id",
			Amount:      "data.amount",
			Currency:    "data.currency",
			Example:     checkoutExample,
		},
	},
	Fresh: fresh(""),
}

// checkoutExample is laid out as all payment events are.
const checkoutExample = `{"id":"evt_qucj733kpw3yhtty4nujumvtdl","type":"payment_captured","version":"1.0.29",
	"timestamp":"2026-11-22T02:00:00.000+00:00","data":{"id":"pay_fsa9phlcnzddrwafcwhqj9pydp",
	"action_id":"act_jpnzfyktmwjdaq3t3sfrvs8mc2","reference":"order-1001","amount":6540,"currency":"USD","metadata":{}}}`
