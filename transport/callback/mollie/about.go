package mollie

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of Mollie.
var About = callback.About{
	Name:     "mollie",
	Label:    "Mollie",
	Proof:    "next-gen: HMAC-SHA256 of the raw body; classic: nothing. Either way the payment is fetched from Mollie's API",
	Window:   "none",
	EventID:  "payment's or refund's id with its status and amount",
	Currency: "EUR",
	Statuses: []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed},
	Vectors:  6,
	Checked:  []string{"mollie-api-typescript 1.12.28 (npm), next-gen"},
	Unconfirmed: []string{
		"Whether Mollie sends several signatures while a secret is replaced is not documented: a call with two signature headers is refused, and comes again.",
		"How many tries Mollie makes at which pauses is not documented in full; those that `tillbell send --retries` makes are ten in 26 hours.",
		"Payments of a link are read from its latest 50 attempts, with the link's id as the payment's unless they carry an order_id.",
	},
	Sample: `mollie-main:
  provider: mollie
  style: classic                       # or next-gen, with secrets: ["${MOLLIE_WEBHOOK_SECRET}"]
  api_key: "${MOLLIE_API_KEY}"         # live_…; the webhook does not say what became of the payment
`,
	Steps: []string{
		"Copy the profile's API key, live_… or test_…, from Mollie's dashboard, Developers, API keys, into api_key: with the key of the other mode no payment is found, and its webhooks are acknowledged and not told.",
		"Give each payment https://pay.shop.example/v1/callbacks/SOURCE as webhookUrl, and your own number as metadata {\"order_id\": …}.",
		"For next-gen webhooks add one in the dashboard instead, with the same URL and the events payment.* and refund.*, set style to next-gen, and put its signing secret into secrets.",
		"Where the metadata is a text that has JSON in it, set fields.payment to metadata.@fromstr.order_id; where it is the number itself, to metadata.",
	},
	Retries: []time.Duration{
		time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 29 * time.Minute,
		time.Hour, 8 * time.Hour, 16 * time.Hour,
	},
}
