package hmac

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About says what the adapter is for.
var About = callback.About{
	Name:     "hmac",
	Label:    "Any HMAC",
	Proof:    "an HMAC as the settings declare it",
	Window:   "300 s both ways, where a time is signed",
	EventID:  "a field or header that is configured",
	Currency: "EUR",
	Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Closed, relay.Refunded, relay.RefundFailed},
	Vectors:  18,
	Sample: `acme:
  provider: hmac
  secrets: ["${ACME_WEBHOOK_SECRET}"]
  signature: {header: X-Acme-Signature, separator: ",", item: v1}   # t=1795312799,v1=c00a…; or one value, and a prefix
  timestamp: {item: t}                                              # or {header: X-Acme-Timestamp}, or none
  signed: "{timestamp}.{body}"                                      # {url}, {header:NAME} and any text, too
  event_id: id                                                      # a gjson path, or header:X-Acme-Delivery
  fields: {payment: data.order, status: type, amount: data.amount, currency: data.currency}
  amount_unit: minor                                                # or major
  statuses: {order.paid: paid, order.failed: failed, order.refunded: refunded}
`,
	Steps: []string{
		"Enter https://pay.shop.example/v1/callbacks/SOURCE at the sender.",
		"Take from its documentation what is signed, how the signature is written and where it stands.",
		"Capture one call and run tillbell verify with it until it is accepted and events has the payment, the status and the amount.",
	},
	Retries: slices.Concat([]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute},
		callback.Every(time.Hour, 23)),
}
