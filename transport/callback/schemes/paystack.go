package schemes

import (
	"crypto/sha512"
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// Paystack signs with SHA-512 and the account's secret API key. It gives its events no id and no time. Its own example
// signs a body that was parsed and written again; the raw body is what is signed.
//
// Source: paystack.com/docs/payments/webhooks/.
var Paystack = scheme.Scheme[Options]{
	About: callback.About{
		Name:     "paystack",
		Label:    "Paystack",
		Proof:    "HMAC-SHA512 of the raw body",
		Window:   "none",
		EventID:  "`event` and `data.id`",
		Currency: "NGN",
		Statuses: []relay.Status{relay.Paid, relay.Failed, relay.Refunded, relay.RefundFailed},
		Vectors:  7,
		Unconfirmed: []string{
			"Charges that fail are mostly not called back: a wait ends by its own time then.",
			"How often Paystack tries is from memory of its documentation: every 3 minutes four times, then hourly for 72 hours.",
			"No SDK of Paystack verifies callbacks: the vectors were signed by the documentation's rule alone.",
		},
		Sample: `paystack:
  provider: paystack
  secrets: ["${PAYSTACK_SECRET_KEY}"]
`,
		Steps: []string{
			"In the dashboard, open Settings, then API Keys & Webhooks.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as the webhook URL.",
			"Copy the secret key (sk_live_…) into secrets. When you roll it, list the new and the old one.",
			"Use the order's id as the transaction's reference.",
		},
		Retries: slices.Concat(callback.Every(3*time.Minute, 4), callback.Every(time.Hour, 71)),
	},
	Proof: scheme.MAC{Header: "X-Paystack-Signature", Hash: sha512.New},
	Reading: scheme.Reading{
		ID: scheme.Joined(scheme.At("event"),
			scheme.At("data.id", "data.refund_reference", "data.reference", "data.transaction_reference")),
		Derived: true,
		Type:    scheme.At("event"),
		// Paystack counts hundredths of every currency, as its own plugin for WooCommerce (woo-paystack) does.
		Decimals: map[string]int{"XOF": 2, "RWF": 2},
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{
				{Name: "charge.success", Status: relay.Paid, Word: "success"},
				{Name: "charge.failed", Status: relay.Failed, Word: "failed"},
			},
			Word:        "data.status",
			Payment:     []string{"data.reference"},
			Transaction: "data.id",
			Amount:      "data.amount",
			Currency:    "data.currency",
			Example: `{"event":"charge.success","data":{"id":302961,"domain":"test","status":"success","reference":"order-1001",
				"amount":10000,"message":null,"gateway_response":"Approved","paid_at":"2026-11-22T02:00:00.000Z",
				"created_at":"2026-11-22T01:59:00.000Z","channel":"card","currency":"NGN","metadata":{}}}`,
		},
		{
			Types: []scheme.Meaning{
				{Name: "refund.processed", Status: relay.Refunded, Word: "processed"},
				{Name: "refund.failed", Status: relay.RefundFailed, Word: "failed"},
			},
			Word:        "data.status",
			Payment:     []string{"data.transaction_reference"},
			Transaction: "data.id",
			Refund:      "data.id",
			Amount:      "data.amount", // text in some events
			Currency:    "data.currency",
			Example: `{"event":"refund.processed","data":{"id":77,"status":"processed","transaction_reference":"order-1001",
				"refund_reference":null,"amount":"10000","currency":"NGN","processor":"instant-transfer","domain":"test"}}`,
		},
	},
	Fresh: fresh("sk_test_"),
}
