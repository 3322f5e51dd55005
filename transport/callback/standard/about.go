package standard

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of senders of Standard Webhooks.
var About = callback.About{
	Name:       "standard-webhooks",
	Label:      "Standard Webhooks",
	Proof:      "HMAC-SHA256 (v1) or Ed25519 (v1a) of the id, the time and the raw body",
	Asymmetric: true, // where public_keys are set: Provider.Asymmetric
	Window:     "300 s both ways",
	EventID:    "header `webhook-id`",
	Currency:   "EUR",
	Statuses:   []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed},
	Vectors:    34,
	Checked:    []string{"standard-webhooks 0.0.1", "standardwebhooks 1.1.1 (npm)"},
	Unconfirmed: []string{
		"No official library verifies v1a: its vectors are held against the specification alone.",
	},
	Sample: `erp:
  provider: standard-webhooks
  secrets: ["${ERP_WEBHOOK_SECRET}"]   # whsec_…; public_keys: ["whpk_…"] beside or instead of them
  fields: {payment: data.order_id, status: type, amount: data.amount, currency: data.currency}
  amount_unit: minor
  statuses: {payment.paid: paid, payment.failed: failed, payment.closed: closed, payment.refunded: refunded}
`,
	Steps: []string{
		"Let the sender post to https://pay.shop.example/v1/callbacks/SOURCE, signed by the Standard Webhooks specification; Svix does that too.",
		"Put the secret that both share, whsec_…, into secrets, or the sender's Ed25519 key, whpk_…, into public_keys.",
		"Name in fields where its bodies have the payment, the status, the amount and the currency, and in statuses what its words mean; what the sample says is the default but for payment.succeeded and the words of the other statuses.",
	},
	Retries: []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
		14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	},
}
