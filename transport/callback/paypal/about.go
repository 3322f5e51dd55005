package paypal

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of PayPal.
var About = callback.About{
	Name:       "paypal",
	Label:      "PayPal",
	Proof:      "RSA-SHA256 over id, time, webhook id and the CRC-32 of the raw body; the certificate from PayPal's host, or pinned",
	Asymmetric: true,
	PrivateKey: true,
	Window:     "96 h of age",
	EventID:    "`id`",
	Currency:   "USD",
	Statuses:   []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded},
	Vectors:    18,
	Checked:    []string{"PayPal-Python-SDK, paypalrestsdk/notifications.py at 28becaf"},
	Unconfirmed: []string{
		"Only a CRC-32 of the body is signed, so that the headers of one genuine call fit forged events: a transmission id that comes with another body is refused as long as the process remembers it (65,536 calls; a restart forgets, and each node of a cluster remembers its own), `tolerance` limits the rest, and payments should be registered with their amounts.",
		"PayPal does not say whether a retry keeps its transmission time: transmissions are taken for 96h, and a `tolerance` under 72h may refuse late retries.",
		"PayPal does not promise that a certificate's address brings the whole chain: one that does not lead to a root is refused, and an intermediate certificate may be put into `trusted_roots`.",
		"PayPal promises of no denied capture and no voided authorisation or order that its id cannot be paid afterwards: neither failed nor closed is final.",
		"CHECKOUT.ORDER.COMPLETED says captured or only authorised: it is told as pending, and PAYMENT.CAPTURE.COMPLETED as paid.",
		"PayPal publishes no pauses between its up to 25 retries in three days: `tillbell send --retries` makes even ones.",
	},
	Sample: `paypal-main:
  provider: paypal
  webhook_id: "1JE4291016473214C"
  # cert_hosts: [api.sandbox.paypal.com]   # the sandbox signs with certificates of its own
  # certificates:                          # pinned: nothing is fetched
  #   https://api.paypal.com/v1/notifications/certs/CERT-…: file:/etc/tillbell/paypal.pem
`,
	Steps: []string{
		"In PayPal's developer dashboard open Apps & Credentials, your app, and add a webhook with the URL https://pay.shop.example/v1/callbacks/SOURCE.",
		"Choose the events Payment capture completed, denied, declined, pending, refunded and reversed, Payment authorization voided, Checkout order approved and Checkout payment approval reversed.",
		"Put the id that the dashboard shows beside the webhook into webhook_id.",
		"Give each order your own number as purchase_units[0].custom_id: PayPal repeats it in captures and refunds.",
		"Let the server reach https://api.paypal.com, from which the signing certificate is fetched, or set certificates.",
		"Test with a payment in the sandbox: what the dashboard's webhook simulator sends is signed for no webhook, and is refused.",
	},
	Retries: callback.Every(72*time.Hour/25, 25),
}
