package schemes

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// PaddleOptions are one notification destination's settings.
type PaddleOptions struct {
	// Secrets are the destination's secret keys, pdl_ntfset_…, the old one too while it is rotated.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// Tolerance is how far the timestamp may be from this clock, either way. Zero is 5 s, as in Paddle's SDKs: the clock must
	// be kept by NTP.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// Fields may set Payment. By default it is data.custom_data.order_id or the transaction's id.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Settings implements scheme.Options.
func (o PaddleOptions) Settings() scheme.Settings {
	return scheme.Settings{Keys: o.Secrets, KeysName: "secrets", Tolerance: o.Tolerance, Fields: o.Fields}
}

// Paddle posts the notifications of Paddle Billing. While a secret is rotated there are several h1, any of which may be the
// right one; paddle-go-sdk 4.1.0 refuses those, and paddle-node-sdk looks at the last alone. Paddle Classic (p_signature) is
// another product.
//
// Sources: developer.paddle.com/webhooks/signature-verification, …/webhooks/respond-to-webhooks.
var Paddle = scheme.Scheme[PaddleOptions]{
	About: callback.About{
		Name:     "paddle",
		Label:    "Paddle",
		Proof:    "HMAC-SHA256 of the timestamp and the raw body",
		Window:   "5 s both ways",
		EventID:  "`event_id`",
		Currency: "USD",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Closed, relay.Refunded, relay.RefundFailed},
		Vectors:  9,
		Checked:  []string{"paddle-go-sdk 4.1.0", "@paddle/paddle-node-sdk 3.10.0"},
		Unconfirmed: []string{
			"transaction.paid means that Paddle has the money and is still processing: it is told as paid, as transaction.completed is.",
		},
		Sample: `paddle:
  provider: paddle
  secrets: ["${PADDLE_WEBHOOK_SECRET}"]
`,
		Steps: []string{
			"In Paddle, open Developer tools, then Notifications, and add a destination of the type webhook.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as its URL.",
			"Choose transaction.paid, transaction.completed, transaction.payment_failed, transaction.past_due, transaction.canceled, adjustment.created and adjustment.updated.",
			"Copy the destination's secret key (pdl_ntfset_…) into secrets.",
			"Put the order's id into custom_data as order_id when you open the checkout; refunds carry only the transaction's id.",
		},
		// 60 tries in three days with growing pauses; the list is not published.
		Retries: slices.Concat([]time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute,
			30 * time.Minute}, callback.Every(80*time.Minute, 53)),
	},
	Proof: scheme.MAC{
		Header: "Paddle-Signature",
		Items:  scheme.Items{Separator: ";", Time: "ts", Signature: "h1"},
		Signed: []scheme.Part{scheme.Timestamp, scheme.Text(":"), scheme.Body},
		Window: 5 * time.Second,
	},
	Reading: scheme.Reading{
		ID:   scheme.At("event_id"), // notification_id is the destination's
		Type: scheme.At("event_type"),
		Time: scheme.At("occurred_at"),
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{
				{Name: "transaction.completed", Status: relay.Paid, Word: "completed"},
				{Name: "transaction.paid", Status: relay.Paid, Word: "paid"},
				{Name: "transaction.past_due", Status: relay.Pending, Word: "past_due"},
				{Name: "transaction.payment_failed", Status: relay.Failed, Word: "ready"},
				{Name: "transaction.canceled", Status: relay.Closed, Word: "canceled", Ends: true},
			},
			Word:        "data.status",
			Payment:     []string{"data.custom_data.order_id", "data.id"},
			Transaction: "data.id",
			Amount:      "data.details.totals.grand_total",
			Currency:    "data.currency_code",
			Example: `{"event_id":"evt_01mzp62ewbyangdjnk3ymjd6fh","event_type":"transaction.completed",
				"occurred_at":"2026-11-22T02:00:00.123456Z","notification_id":"ntf_015uwaxfoebn9s5vamztcby6mw",
				"data":{"id":"txn_01hpub0000000000000000000001","status":"completed","customer_id":null,"items":[],
				"origin":"web","currency_code":"USD","custom_data":{"order_id":"order-1001"},"details":{"totals":{"subtotal":"2000",
				"tax":"400","total":"2400","grand_total":"2400","currency_code":"USD"},"tax_rates_used":[],"line_items":[]},"payments":[]}}`,
		},
		{
			Types: []scheme.Meaning{{Name: "adjustment.updated"}, {Name: "adjustment.created"}},
			Word:  "data.status",
			Words: []scheme.Meaning{
				{Name: "approved", Status: relay.Refunded},
				{Name: "rejected", Status: relay.RefundFailed},
			},
			Payment:     []string{"data.transaction_id"},
			Transaction: "data.transaction_id",
			Refund:      "data.id",
			Amount:      "data.totals.total",
			Currency:    "data.currency_code",
			If:          scheme.Condition{Path: "data.action", Word: "refund"},
			Example: `{"event_id":"evt_01mzp62ewbyangdjnk3ymjd6fh","event_type":"adjustment.updated",
				"occurred_at":"2026-11-22T02:00:00.123456Z","notification_id":"ntf_015uwaxfoebn9s5vamztcby6mw",
				"data":{"id":"adj_01hvgf2s84dr6reszzg29zbvcm","action":"refund","transaction_id":"txn_01hpub0000000000000000000001",
				"reason":"requested by customer","currency_code":"USD","status":"approved","items":[],
				"totals":{"subtotal":"2000","tax":"400","total":"2400","currency_code":"USD"}}}`,
		},
	},
	Fresh: func() PaddleOptions { return PaddleOptions{Secrets: scheme.FreshSecrets("pdl_ntfset_")} },
}
