package schemes

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// CoinbaseCommerce posts events about charges. A charge that is seen on chain is pending here until it is confirmed, though
// Coinbase lets merchants treat it as paid. One that failed may still be paid late.
//
// Sources: docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-overview, …/webhooks-fields; coinbase-commerce-node.
var CoinbaseCommerce = scheme.Scheme[Options]{
	About: callback.About{
		Name:     "coinbase-commerce",
		Label:    "Coinbase Commerce",
		Proof:    "HMAC-SHA256 of the raw body",
		Window:   "none",
		EventID:  "`event.id`",
		Currency: "USD",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed},
		Vectors:  6,
		Checked:  []string{"coinbase-commerce-node 1.0.4"},
		Sample: `coinbase:
  provider: coinbase-commerce
  secrets: ["${COINBASE_WEBHOOK_SECRET}"]
`,
		Steps: []string{
			"In Coinbase Commerce, open Settings, then Notifications, and add an endpoint.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as its URL.",
			"Copy the webhook shared secret into secrets.",
			"Put the order's id into the charge's metadata as order_id.",
		},
		Retries: slices.Concat([]time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
			16 * time.Minute, 32 * time.Minute}, callback.Every(time.Hour, 71)),
	},
	Proof: scheme.MAC{Header: "X-Cc-Webhook-Signature"},
	Reading: scheme.Reading{
		ID:   scheme.At("event.id"), // the outer id is the delivery's
		Type: scheme.At("event.type"),
		Time: scheme.At("event.created_at"),
	},
	Kinds: []scheme.Kind{{
		Types: []scheme.Meaning{
			{Name: "charge:confirmed", Status: relay.Paid},
			{Name: "charge:pending", Status: relay.Pending},
			{Name: "charge:created", Status: relay.Pending},
			{Name: "charge:failed", Status: relay.Failed},
		},
		Payment:     []string{"event.data.metadata.order_id", "event.data.code"},
		Transaction: "event.data.code",
		Amount:      "event.data.pricing.local.amount",
		Currency:    "event.data.pricing.local.currency",
		Major:       true,
		Example: `{"attempt_number":1,"id":"a857b2ef-aebc-4bda-9da6-0c010630bdac","scheduled_for":"2026-11-22T02:00:00Z",
			"event":{"api_version":"2018-03-22","created_at":"2026-11-22T02:00:00Z","id":"824e9c73-3c35-4ed0-9faa-fc9d78d20ebc",
			"resource":"event","type":"charge:confirmed","data":{"id":"b6374aa8-b746-4919-80d5-96aaa4b8076b","code":"AACP7ZNX",
			"pricing":{"local":{"amount":"100.00","currency":"USD"},"settlement":{"amount":"100","currency":"USDC"}},
			"metadata":{"order_id":"order-1001"},"timeline":[{"status":"NEW","time":"2026-11-22T01:59:00Z"}]}}}`,
	}},
	Fresh: fresh(""),
}
