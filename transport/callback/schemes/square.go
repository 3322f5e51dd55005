package schemes

import (
	"slices"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// SquareOptions are one webhook subscription's settings.
type SquareOptions struct {
	// SignatureKeys are the subscription's signature keys, the old one too while it is replaced.
	SignatureKeys []string `yaml:"signature_keys,omitempty" file:"secret"`
	// NotificationURL is the subscription's URL byte for byte, which Square signs: behind a proxy it is not the one that
	// arrives.
	NotificationURL string `yaml:"notification_url,omitempty"`
	// MerchantID are the merchants whose payments are taken; none is all that the key signs for.
	MerchantID callback.List `yaml:"merchant_id,omitempty" account:"true"`
	// Fields may set Payment. By default it is the payment's reference_id, order_id or id; a refund has only the id of
	// Square's payment.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Settings implements scheme.Options.
func (o SquareOptions) Settings() scheme.Settings {
	return scheme.Settings{
		Keys: o.SignatureKeys, KeysName: "signature_keys", URL: o.NotificationURL, URLName: "notification_url",
		Account: o.MerchantID, Fields: o.Fields,
	}
}

// Square posts events about payments and refunds. Its updates come in any order; the events' times order them.
//
// Sources: developer.squareup.com/docs/webhooks/step3validate, …/docs/webhooks/v2-events-tech-ref; square (npm),
// wrapper/WebhooksHelper.js.
var Square = scheme.Scheme[SquareOptions]{
	About: callback.About{
		Name:     "square",
		Label:    "Square",
		Proof:    "HMAC-SHA256 of the configured URL and the raw body",
		Window:   "none",
		EventID:  "`event_id`",
		Currency: "USD",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Closed, relay.Refunded, relay.RefundFailed},
		Vectors:  10,
		Checked:  []string{"square 46.0.0 (npm)"},
		Unconfirmed: []string{
			"Square's pages differ on how long it retries: 24 or 72 hours.",
		},
		Sample: `square:
  provider: square
  signature_keys: ["${SQUARE_SIGNATURE_KEY}"]
  notification_url: https://pay.shop.example/v1/callbacks/square
`,
		Steps: []string{
			"In the Developer Console, open the application, then Webhooks, then Subscriptions, and add one.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as the notification URL, and exactly the same text in notification_url.",
			"Subscribe to payment.created, payment.updated, refund.created and refund.updated.",
			"Copy the subscription's signature key into signature_keys.",
			"Put the order's id into reference_id when you create the payment; refunds carry only Square's payment id.",
		},
		Retries: slices.Concat([]time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
			16 * time.Minute, 32 * time.Minute}, callback.Every(time.Hour, 22)),
	},
	Proof: scheme.MAC{
		Header: "X-Square-Hmacsha256-Signature", Encoding: scheme.Base64, Signed: []scheme.Part{scheme.URL, scheme.Body},
	},
	Reading: scheme.Reading{
		ID:      scheme.At("event_id"),
		Type:    scheme.At("type"),
		Time:    scheme.At("created_at"),
		Account: scheme.At("merchant_id"),
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{{Name: "payment.updated"}, {Name: "payment.created"}},
			Word:  "data.object.payment.status",
			Words: []scheme.Meaning{
				{Name: "COMPLETED", Status: relay.Paid},
				{Name: "APPROVED", Status: relay.Pending},
				{Name: "PENDING", Status: relay.Pending},
				{Name: "FAILED", Status: relay.Failed, Ends: true},
				{Name: "CANCELED", Status: relay.Closed, Ends: true},
			},
			Payment: []string{"data.object.payment.reference_id", "data.object.payment.order_id",
				"data.object.payment.id"},
			Transaction: "data.object.payment.id",
			Amount:      "data.object.payment.amount_money.amount",
			Currency:    "data.object.payment.amount_money.currency",
			Example: `{"merchant_id":"6SSW7HV8K2ST5","type":"payment.updated","event_id":"a455b53e-c41c-4b6f-9052-54063437595a",
				"created_at":"2026-11-22T02:00:00.000Z","data":{"type":"payment","id":"xQQfJA8RECRAfnsvEVLJFDBK6F8Jm",
				"object":{"payment":{"id":"xQQfJA8RECRAfnsvEVLJFDBK6F8Jm","amount_money":{"amount":1500,"currency":"USD"},
				"order_id":"jRCihNG5hJFtXwj3XN8Q","reference_id":"order-1001","status":"COMPLETED","version":3}}}}`,
		},
		{
			Types: []scheme.Meaning{{Name: "refund.updated"}, {Name: "refund.created"}},
			Word:  "data.object.refund.status",
			Words: []scheme.Meaning{
				{Name: "COMPLETED", Status: relay.Refunded},
				{Name: "REJECTED", Status: relay.RefundFailed},
				{Name: "FAILED", Status: relay.RefundFailed},
			},
			Payment:     []string{"data.object.refund.payment_id"},
			Transaction: "data.object.refund.id",
			Refund:      "data.object.refund.id",
			Amount:      "data.object.refund.amount_money.amount",
			Currency:    "data.object.refund.amount_money.currency",
			Example: `{"merchant_id":"6SSW7HV8K2ST5","type":"refund.updated","event_id":"1b38457c-a2f9-4189-bd90-2beb8a5b96bf",
				"created_at":"2026-11-22T02:00:00.000Z","data":{"type":"refund","id":"AcaAzUFxdKasRD28CvVBtoWggz8WH55utR4EgyTr",
				"object":{"refund":{"id":"AcaAzUFxdKasRD28CvVBtoWggz8WH55utR4EgyTr","amount_money":{"amount":700,
				"currency":"USD"},"payment_id":"xQQfJA8RECRAfnsvEVLJFDBK6F8Jm","order_id":"sq-order-1","status":"COMPLETED"}}}}`,
		},
	},
	Fresh: func() SquareOptions {
		return SquareOptions{
			SignatureKeys: scheme.FreshSecrets(""), NotificationURL: "https://pay.shop.example/v1/callbacks/square",
			MerchantID: callback.List{"6SSW7HV8K2ST5"},
		}
	},
}
