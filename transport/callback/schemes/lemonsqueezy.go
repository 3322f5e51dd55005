package schemes

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// LemonSqueezy posts events about orders. X-Event-Name is not signed; the body's name counts, and a header that differs is
// refused. Three tries in three minutes are all: what an outage swallows has to be polled for.
//
// Sources: docs.lemonsqueezy.com/help/webhooks/signing-requests, …/webhook-requests.
var LemonSqueezy = scheme.Scheme[Options]{
	About: callback.About{
		Name:     "lemonsqueezy",
		Label:    "Lemon Squeezy",
		Proof:    "HMAC-SHA256 of the raw body",
		Window:   "none",
		EventID:  "`meta.event_name` and `data.id`",
		Currency: "USD",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Refunded},
		Vectors:  7,
		Unconfirmed: []string{
			"Totals are documented as cents: those of currencies without decimals are read by ISO 4217.",
			"No SDK of Lemon Squeezy verifies callbacks: the vectors were signed by the documentation's rule alone.",
		},
		Sample: `lemonsqueezy:
  provider: lemonsqueezy
  secrets: ["${LEMONSQUEEZY_SIGNING_SECRET}"]
`,
		Steps: []string{
			"In Lemon Squeezy, open Settings, then Webhooks, and add one.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as the callback URL.",
			"Enter a random secret of up to 40 characters, and the same in secrets.",
			"Choose order_created and order_refunded.",
			"Give the webhook of test mode another secret, and no source in production: orders of both are told.",
			"Pass the order's id as checkout[custom][order_id].",
		},
		Retries: []time.Duration{5 * time.Second, 25 * time.Second, 125 * time.Second},
	},
	Proof: scheme.MAC{Header: "X-Signature"},
	Reading: scheme.Reading{
		ID:       scheme.Joined(scheme.At("meta.event_name"), scheme.At("data.id")),
		Derived:  true,
		Type:     scheme.At("meta.event_name"),
		TypeEcho: "X-Event-Name",
		Time:     scheme.At("data.attributes.updated_at"),
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{{Name: "order_created"}},
			Word:  "data.attributes.status",
			Words: []scheme.Meaning{
				{Name: "paid", Status: relay.Paid},
				{Name: "pending", Status: relay.Pending},
				{Name: "failed", Status: relay.Failed},
			},
			Payment:     []string{"meta.custom_data.order_id", "data.id"},
			Transaction: "data.id",
			Amount:      "data.attributes.total",
			Currency:    "data.attributes.currency",
			Example: `{"meta":{"event_name":"order_created","test_mode":true,"custom_data":{"order_id":"order-1001"}},
				"data":{"type":"orders","id":"1042","attributes":{"store_id":1,"customer_id":7,
				"identifier":"83214a99-200c-4c74-b60a-9ab1a81ae90e","order_number":1,"currency":"USD","subtotal":1199,"tax":0,
				"total":1199,"status":"paid","refunded":false,"refunded_amount":0,"refunded_at":null,
				"created_at":"2026-11-22T02:00:00.000000Z","updated_at":"2026-11-22T02:00:00.000000Z","test_mode":true}}}`,
		},
		{
			Types:       []scheme.Meaning{{Name: "order_refunded", Status: relay.Refunded}},
			Word:        "data.attributes.status",
			Payment:     []string{"meta.custom_data.order_id", "data.id"},
			Transaction: "data.id",
			Amount:      "data.attributes.refunded_amount",
			Currency:    "data.attributes.currency",
			Cumulative:  true,
			Example: `{"meta":{"event_name":"order_refunded","test_mode":true,"custom_data":{"order_id":"order-1001"}},
				"data":{"type":"orders","id":"1042","attributes":{"store_id":1,"customer_id":7,
				"identifier":"4bba7c47-102d-464a-8063-5d3b2b53d6ea","order_number":1,"currency":"USD","subtotal":1199,"tax":0,
				"total":1199,"status":"refunded","refunded":true,"refunded_amount":1199,"refunded_at":"2026-11-22T02:00:00.000000Z",
				"created_at":"2026-11-22T02:00:00.000000Z","updated_at":"2026-11-22T02:00:00.000000Z","test_mode":true}}}`,
		},
	},
	Fresh: func() Options { return Options{Secrets: shortSecrets()} },
}

// shortSecrets are within the 40 characters that Lemon Squeezy takes.
func shortSecrets() []string {
	all := scheme.FreshSecrets("")
	for i := range all {
		all[i] = all[i][:40]
	}
	return all
}
