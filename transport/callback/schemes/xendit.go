package schemes

import (
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// XenditOptions are one account's settings.
type XenditOptions struct {
	// CallbackTokens are the account's webhook verification tokens, the old one too while it is replaced.
	CallbackTokens []string `yaml:"callback_tokens,omitempty" file:"secret"`
	// Fields may set Payment. By default it is external_id.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Settings implements scheme.Options.
func (o XenditOptions) Settings() scheme.Settings {
	return scheme.Settings{Keys: o.CallbackTokens, KeysName: "callback_tokens", Fields: o.Fields}
}

// Xendit proves by a static token who calls, and nothing about what is said: amounts should be registered, and the
// connection must be TLS all the way. Its amounts are decimal numbers in major units.
//
// Sources: docs.xendit.co/webhook, docs.xendit.co/apidocs (invoice callback).
var Xendit = scheme.Scheme[XenditOptions]{
	About: callback.About{
		Name:     "xendit",
		Label:    "Xendit",
		Proof:    "a static token, which does not cover the body",
		Window:   "none",
		EventID:  "header `webhook-id`",
		Currency: "IDR",
		Statuses: []relay.Status{relay.Paid, relay.Closed},
		Vectors:  6,
		Unconfirmed: []string{
			"Only invoices are read; other products' callbacks are acknowledged and not told.",
			"A static token has no official check but equality.",
		},
		Sample: `xendit:
  provider: xendit
  callback_tokens: ["${XENDIT_CALLBACK_TOKEN}"]
  registration: required   # the token does not cover the amount
`,
		Steps: []string{
			"In the dashboard, open Settings, then Webhooks.",
			"Enter https://pay.shop.example/v1/callbacks/SOURCE for invoices paid, and turn on expired invoices.",
			"Copy the webhook verification token into callback_tokens.",
			"Use the order's id as external_id, and register each order with its amount.",
		},
		Retries: []time.Duration{15 * time.Minute, 45 * time.Minute, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour},
	},
	Proof: scheme.Token{Header: "X-Callback-Token"},
	Reading: scheme.Reading{
		// Accounts of long ago may have callbacks without webhook-id: an invoice is in each state once.
		ID:         scheme.First(scheme.In("Webhook-Id"), scheme.Joined(scheme.At("id"), scheme.At("status"))),
		Derived:    true, // the id is not proven either
		Type:       scheme.At("status"),
		TypePrefix: "invoice.",
		Time:       scheme.At("updated", "paid_at"),
		Headers:    map[string]string{"Webhook-Id": "7895a8bd0e87099cbc85ed16"},
	},
	Kinds: []scheme.Kind{{
		Types: []scheme.Meaning{
			{Name: "PAID", Status: relay.Paid},
			{Name: "SETTLED", Status: relay.Paid},
			{Name: "EXPIRED", Status: relay.Closed, Ends: true},
		},
		Word:        "status",
		If:          scheme.Condition{Path: "external_id"},
		Payment:     []string{"external_id"},
		Transaction: "id",
		Amount:      "amount",
		Currency:    "currency",
		Major:       true,
		Example: `{"id":"599358ae0dd173187ec5c9da","external_id":"order-1001","user_id":"5781d19b2e2385880609791c",
			"is_high":false,"status":"PAID","merchant_name":"Shop","amount":50000,"paid_amount":50000,"currency":"IDR",
			"paid_at":"2026-11-22T02:00:00.000Z","created":"2026-11-22T01:50:00.000Z","updated":"2026-11-22T02:00:00.000Z",
			"payment_method":"BANK_TRANSFER"}`,
	}},
	Fresh: func() XenditOptions { return XenditOptions{CallbackTokens: scheme.FreshSecrets("")} },
}
