package adyen

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// About is what there is to say of Adyen.
var About = callback.About{
	Name:     "adyen",
	Label:    "Adyen",
	Proof:    "HMAC-SHA256 of eight fields of each item, or (style platform) of the raw body; basic authentication if set",
	Window:   "none",
	EventID:  "`eventCode:pspReference:success`",
	Currency: "EUR",
	Statuses: []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed},
	Vectors:  14,
	Checked:  []string{"@adyen/api-library 32.1.0"},
	Unconfirmed: []string{
		"Orders that are paid in parts (ORDER_OPENED, ORDER_CLOSED) are not put together: each part is told with its own amount.",
		"How long Adyen goes on signing with an old HMAC key is not said: all of `hmac_keys` are tried.",
		"`eventDate` is not signed: events have no time of Adyen's and count in the order in which they arrive.",
		"Whether a `CANCEL_OR_REFUND` was the one or the other is not signed: it is acknowledged and not told.",
		"A `REFUND` that Adyen turned down is acknowledged and not told: nothing may have been captured, and refund_failed implies a paid payment.",
		"Nothing is escaped in what is signed: an item is refused if a field other than `merchantReference` has a colon, since the signature would fit another item too.",
		"Adyen documents one item in a JSON call: up to 20 are taken, and none of them unless all are genuine.",
	},
	Sample: `adyen-main:
  provider: adyen
  hmac_keys: ["${ADYEN_HMAC_KEY}"]   # and the old one for as long as its webhooks are under way
  merchant_account: YourMerchantAccount
  capture: auto   # or manual: authorised payments are then pending until they are captured
`,
	Steps: []string{
		"In the Customer Area open Developers, Webhooks and create a Standard webhook with the URL https://pay.shop.example/v1/callbacks/SOURCE, the method JSON and at least the default events.",
		"Under Security generate an HMAC key and put it into hmac_keys; if you set a user name and a password for basic authentication, put them into username and password.",
		"See how the merchant account captures: if payments are captured by hand, set capture to manual.",
		"Send the payment id as the reference of each payment; it then comes back as merchantReference.",
		"For webhooks of a platform or of the management API add a source of its own with style: platform.",
	},
	Retries: slices.Concat(
		[]time.Duration{9 * time.Second, 18 * time.Second, 27 * time.Second, 2 * time.Minute, 5 * time.Minute,
			10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour},
		callback.Every(8*time.Hour, 87), // for 30 days
	),
}
