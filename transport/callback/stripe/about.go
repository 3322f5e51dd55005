package stripe

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of Stripe.
var About = callback.About{
	Name:     "stripe",
	Label:    "Stripe",
	Proof:    "HMAC-SHA256 of the time and the raw body",
	Window:   "300 s of age",
	EventID:  "`id`",
	Currency: "USD",
	Statuses: []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed},
	Vectors:  32,
	Checked:  []string{"stripe-go 85.0.0", "stripe 23.1.0 (npm)"},
	Unconfirmed: []string{
		"Stripe publishes no list of its retries, only that they go on for three days at growing pauses: those that `tillbell send --retries` makes are customary.",
	},
	Sample: `stripe-main:
  provider: stripe
  secrets: ["${STRIPE_WEBHOOK_SECRET}"]   # whsec_…; while it is rolled the old one too
`,
	Steps: []string{
		"In Stripe's dashboard open Developers, Webhooks, and add an endpoint with the URL https://pay.shop.example/v1/callbacks/SOURCE.",
		"Choose the events payment_intent.succeeded, payment_intent.processing, payment_intent.payment_failed, payment_intent.canceled, charge.refunded and refund.failed; those of checkout.session beside them if you use Checkout.",
		"Reveal the endpoint's signing secret, whsec_…, and put it into secrets.",
		"Give each payment intent your own number as metadata[order_id]; for Checkout in payment_intent_data[metadata] too, because a refund knows the payment intent alone.",
	},
	Retries: []time.Duration{
		5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
		12 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour,
	},
}
