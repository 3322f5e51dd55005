package schemes

import (
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// RazorpayOptions are one webhook's settings.
type RazorpayOptions struct {
	// Secrets are the webhook's secrets, not the API's. Retries of older events stay signed with the old one: list it too.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// AccountID are the accounts (acc_…) whose events are taken; none is all that the secret signs for.
	AccountID callback.List `yaml:"account_id,omitempty" account:"true"`
	// Fields may set Payment. By default it is the payment's notes.order_id, order_id or id.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Settings implements scheme.Options.
func (o RazorpayOptions) Settings() scheme.Settings {
	return scheme.Settings{Keys: o.Secrets, KeysName: "secrets", Account: o.AccountID, Fields: o.Fields}
}

// Where Razorpay has the payment, in events about refunds too.
const razorpayPayment = "payload.payment.entity."

var razorpayID = []string{razorpayPayment + "notes.order_id", razorpayPayment + "order_id", razorpayPayment + "id"}

// Razorpay posts events about payments, orders and refunds. payment.captured and order.paid both come for one payment, in
// any order. Notes that are not set are an empty array.
//
// Sources: razorpay.com/docs/webhooks/validate-test, …/webhooks/payments, …/webhooks/refunds, …/webhooks/best-practices.
var Razorpay = scheme.Scheme[RazorpayOptions]{
	About: callback.About{
		Name:     "razorpay",
		Label:    "Razorpay",
		Proof:    "HMAC-SHA256 of the raw body",
		Window:   "none",
		EventID:  "header `X-Razorpay-Event-Id`",
		Currency: "INR",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Refunded, relay.RefundFailed},
		Vectors:  7,
		Checked:  []string{"razorpay-go 1.3.3", "razorpay 2.9.8 (npm)"},
		Unconfirmed: []string{
			"An order that may be paid in parts has a payment.captured for each of them, which is told as paid: register the order's amount, or subscribe to order.paid alone.",
			"Razorpay says that it tries for 24 hours with growing pauses; the list is not published.",
		},
		Sample: `razorpay:
  provider: razorpay
  secrets: ["${RAZORPAY_WEBHOOK_SECRET}"]
`,
		Steps: []string{
			"In the dashboard, open Account & Settings, then Webhooks, and add one.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE as its URL.",
			"Enter a long random secret, and the same in secrets. It is not the API's secret.",
			"Choose payment.captured, payment.authorized, payment.failed, order.paid, refund.processed and refund.failed.",
			"Put the order's id into notes as order_id when you create the order at Razorpay.",
		},
		Retries: slices.Concat([]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute},
			callback.Every(time.Hour, 23)),
	},
	Proof: scheme.MAC{Header: "X-Razorpay-Signature"},
	Reading: scheme.Reading{
		ID:      scheme.In("X-Razorpay-Event-Id"),
		Derived: true, // the id is not signed: nothing that says something else may take its place
		Type:    scheme.At("event"),
		Time:    scheme.At("created_at"),
		Account: scheme.At("account_id"),
		Headers: map[string]string{"X-Razorpay-Event-Id": "vMxPPP4hfP3R82", "User-Agent": "Razorpay-Webhook/v1"},
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{
				{Name: "payment.captured", Status: relay.Paid, Word: "captured"},
				{Name: "order.paid", Status: relay.Paid, Word: "captured"},
				{Name: "payment.authorized", Status: relay.Pending, Word: "authorized"}, // a snapshot: it may be captured by now
				{Name: "payment.pending", Status: relay.Pending, Word: "pending"},       // cash on delivery
				{Name: "payment.failed", Status: relay.Failed, Word: "failed"},          // an attempt; another may follow
			},
			Word:        razorpayPayment + "status",
			Payment:     razorpayID,
			Transaction: razorpayPayment + "id",
			Amount:      razorpayPayment + "amount",
			Currency:    razorpayPayment + "currency",
			Read:        razorpayTotal,
			Example: `{"entity":"event","account_id":"acc_BFQ7uQEaa7j2z7","event":"payment.captured","contains":["payment"],
				"payload":{"payment":{"entity":{"id":"pay_rUM58TxToaWDNW","entity":"payment","amount":50000,"currency":"INR",
				"status":"captured","order_id":"order_hmU78bt5jttjG5","invoice_id":null,"international":false,"method":"upi",
				"amount_refunded":0,"refund_status":null,"captured":true,"description":"an order","notes":{"order_id":"order-1001"},
				"fee":1180,"tax":180,"created_at":1795312791}}},"created_at":1795312795}`,
		},
		{
			Types: []scheme.Meaning{
				{Name: "refund.processed", Status: relay.Refunded, Word: "processed"},
				{Name: "refund.failed", Status: relay.RefundFailed, Word: "failed"},
			},
			Word:        "payload.refund.entity.status",
			Payment:     slices.Concat(razorpayID, []string{"payload.refund.entity.payment_id"}),
			Transaction: "payload.refund.entity.payment_id",
			Refund:      "payload.refund.entity.id",
			Amount:      "payload.refund.entity.amount",
			Currency:    "payload.refund.entity.currency",
			Read:        razorpayRefund,
			Example: `{"entity":"event","account_id":"acc_BFQ7uQEaa7j2z7","event":"refund.processed","contains":["refund","payment"],
				"payload":{"refund":{"entity":{"id":"rfnd_FS8SKzVYcXhVTZ","entity":"refund","amount":10000,"currency":"INR",
				"payment_id":"pay_rUM58TxToaWDNW","notes":[],"receipt":null,"created_at":1795312791,"status":"processed",
				"speed_processed":"normal","speed_requested":"normal"}},"payment":{"entity":{"id":"pay_rUM58TxToaWDNW",
				"entity":"payment","amount":50000,"currency":"INR","status":"captured","order_id":"order_hmU78bt5jttjG5",
				"method":"upi","amount_refunded":10000,"refund_status":"partial","captured":true,
				"notes":{"order_id":"order-1001"},"created_at":1795312791}}},"created_at":1795312795}`,
		},
	},
	Fresh: func() RazorpayOptions {
		return RazorpayOptions{Secrets: scheme.FreshSecrets(""), AccountID: callback.List{"acc_BFQ7uQEaa7j2z7"}}
	},
}

// razorpayTotal takes what was paid of an order that is paid: where it was paid in parts, the payment is the last of them.
func razorpayTotal(root gjson.Result, e *callback.Event) (refusal *callback.Refusal) {
	const path = "payload.order.entity.amount_paid"
	if total := root.Get(path); e.Type == "order.paid" && total.Exists() {
		e.Amount, refusal = callback.MinorAmount(total, path, e.Currency, nil)
	}
	return refusal
}

// razorpayRefund takes away what is no refund of a paid order: Razorpay gives back by itself what was authorized and never
// captured, and another payment of the order may be.
func razorpayRefund(root gjson.Result, e *callback.Event) *callback.Refusal {
	if root.Get(razorpayPayment+"captured").Type == gjson.False {
		e.Status = ""
	}
	return nil
}
