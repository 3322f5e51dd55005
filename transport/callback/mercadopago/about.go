package mercadopago

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of Mercado Pago.
var About = callback.About{
	Name:     "mercadopago",
	Label:    "Mercado Pago",
	Proof:    "HMAC-SHA256 of the payment's id, the request id and the time, not of the body. The payment is fetched from the API",
	Window:   "none, or as set",
	EventID:  "payment's id with its status and amount",
	Currency: "BRL",
	Statuses: []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded},
	Vectors:  8,
	Checked:  []string{"mercadopago 3.6.1 (npm)"},
	Unconfirmed: []string{
		"Whether the payment's id is signed as it is sent or in lower case differs between the official libraries: either is taken.",
		"Whether the time is in seconds or milliseconds differs between the official libraries: it is told by its size, and only matters if a tolerance is set.",
		"Notifications of QR-code payments are not signed, and are refused.",
		"That a rejected or cancelled payment cannot be approved later is nowhere promised: failed and closed are never final.",
		"How often and how long a notification is repeated differs between the pages of the documentation.",
	},
	Sample: `mercadopago-main:
  provider: mercadopago
  secrets: ["${MERCADOPAGO_SECRET}"]         # the application's secret signature
  api_key: "${MERCADOPAGO_ACCESS_TOKEN}"     # APP_USR-…; the webhook does not say what became of the payment
`,
	Steps: []string{
		"In Your integrations open the application, Webhooks, Configure notifications, enter https://pay.shop.example/v1/callbacks/SOURCE, choose the event Payments, and put the secret signature that is shown into secrets.",
		"Copy the access token of the same application and the same mode from its credentials into api_key: with another one no payment is found, and its webhooks are acknowledged and not told.",
		"Give each payment or preference your own number as external_reference.",
		"See that no proxy in front of Tillbell sets the header X-Request-Id, which is signed.",
	},
	Retries: []time.Duration{
		15 * time.Minute, 30 * time.Minute, 6 * time.Hour, 48 * time.Hour, 96 * time.Hour,
	},
}
