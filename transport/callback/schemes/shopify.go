package schemes

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// ShopifyOptions are one app's settings for one shop.
type ShopifyOptions struct {
	// Secrets are the app's client secrets. A new one signs an hour after it was made at the latest: list both.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// ShopDomain are the shops (….myshopify.com) whose orders are taken; none is all that installed the app.
	ShopDomain callback.List `yaml:"shop_domain,omitempty" account:"true"`
	// Fields may set Payment. By default it is the order's id.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Settings implements scheme.Options.
func (o ShopifyOptions) Settings() scheme.Settings {
	return scheme.Settings{Keys: o.Secrets, KeysName: "secrets", Account: o.ShopDomain, Fields: o.Fields}
}

// Check implements scheme.Checker.
func (o ShopifyOptions) Check() error {
	for _, domain := range o.ShopDomain {
		if domain == "" || strings.ContainsAny(domain, "/: ") {
			return fmt.Errorf("shop_domain: %q: name the host alone, as in your-shop.myshopify.com", domain)
		}
	}
	return nil
}

// Shopify signs the body and none of its headers, the topic among them: whoever has a genuine call can post it under another
// topic, id and shop. So what became of an order is read from the order, never from the topic; a topic only has to fit.
// Ids are beyond 2^53 and are never read as a float.
//
// Sources: shopify.dev/docs/apps/build/webhooks/verify-deliveries, …/docs/api/webhooks; @shopify/shopify-api,
// lib/webhooks/validate.js.
var Shopify = scheme.Scheme[ShopifyOptions]{
	About: callback.About{
		Name:     "shopify",
		Label:    "Shopify",
		Proof:    "HMAC-SHA256 of the raw body, not of the headers",
		Window:   "none",
		EventID:  "header `X-Shopify-Webhook-Id`",
		Currency: "USD",
		Statuses: []relay.Status{relay.Paid, relay.Pending, relay.Closed, relay.Refunded},
		Vectors:  10,
		Checked:  []string{"@shopify/shopify-api 13.1.0"},
		Unconfirmed: []string{
			"Shopify's Events, a developer preview whose headers begin with Shopify- instead of X-Shopify-, are refused.",
		},
		Sample: `shopify:
  provider: shopify
  secrets: ["${SHOPIFY_CLIENT_SECRET}"]
  shop_domain: your-shop.myshopify.com
`,
		Steps: []string{
			"Subscribe the app to orders/create, orders/paid, orders/cancelled and refunds/create, with https://pay.shop.example/v1/callbacks/SOURCE as the address and JSON as the format.",
			"Copy the app's client secret into secrets, and the shop's domain into shop_domain.",
			"Await the order by its numeric id.",
		},
		Retries: []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
			time.Hour, 67 * time.Minute},
	},
	Proof: scheme.MAC{Header: "X-Shopify-Hmac-Sha256", Encoding: scheme.Base64},
	Reading: scheme.Reading{
		ID:      scheme.In("X-Shopify-Webhook-Id"),
		Derived: true, // the id is not signed: nothing that says something else may take its place
		Type:    scheme.In("X-Shopify-Topic"),
		Time:    scheme.At("updated_at", "created_at"),
		Account: scheme.In("X-Shopify-Shop-Domain"),
		Headers: map[string]string{
			"X-Shopify-Webhook-Id": "5510dcef-c272-4b3f-90f3-d05c44075f4f", "X-Shopify-Api-Version": "2026-07",
			"X-Shopify-Event-Id": "4bc1ff2f-c8de-41c1-a917-2405d3693a98", "X-Shopify-Shop-Domain": "your-shop.myshopify.com",
		},
	},
	Kinds: []scheme.Kind{
		{
			Types: []scheme.Meaning{{Name: "orders/cancelled"}},
			If:    scheme.Condition{Path: "cancelled_at"},
			Word:  "financial_status",
			Words: []scheme.Meaning{ // an order that was paid before is refunded, if it is, by another call
				{Name: "voided", Status: relay.Closed},
				{Name: "pending", Status: relay.Closed},
				{Name: "authorized", Status: relay.Closed},
				{Name: "expired", Status: relay.Closed},
			},
			Payment:     []string{"id"},
			Transaction: "id",
			Amount:      "total_price",
			Currency:    "currency",
			Major:       true,
			Example: `{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508",
				"cancel_reason":"customer","cancelled_at":"2026-11-22T02:00:00Z","created_at":"2026-11-22T01:50:00Z","currency":"USD",
				"current_total_price":"403.00","financial_status":"voided","name":"#9999","order_number":1234,
				"total_price":"403.00","updated_at":"2026-11-22T02:00:00Z"}`,
		},
		{
			Types: []scheme.Meaning{{Name: "orders/paid"}, {Name: "orders/create"}, {Name: "orders/updated"}},
			Word:  "financial_status",
			Words: []scheme.Meaning{ // refunded and partially_refunded do not say that all had been paid
				{Name: "paid", Status: relay.Paid},
				{Name: "pending", Status: relay.Pending},
				{Name: "authorized", Status: relay.Pending},
				{Name: "partially_paid", Status: relay.Pending},
			},
			Payment:     []string{"id"},
			Transaction: "id",
			Amount:      "total_price",
			Currency:    "currency",
			Major:       true,
			Example: `{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508","cancelled_at":null,
				"created_at":"2026-11-22T01:50:00Z","currency":"USD","current_total_price":"403.00","financial_status":"paid",
				"name":"#9999","note":null,"order_number":1234,"total_price":"403.00","updated_at":"2026-11-22T02:00:00Z"}`,
		},
		{
			Types:       []scheme.Meaning{{Name: "refunds/create", Status: relay.Refunded}},
			If:          scheme.Condition{Path: "order_id"},
			Payment:     []string{"order_id"},
			Transaction: "id",
			Refund:      "id",
			Amount:      "transactions.0.amount",
			Currency:    "transactions.0.currency",
			Major:       true,
			Read:        shopifyRefund,
			Example: `{"id":509562969,"order_id":820982911946154508,"created_at":"2026-11-22T02:00:00Z","note":"wrong size",
				"refund_line_items":[],"transactions":[{"id":1068278466,"kind":"refund","status":"success","gateway":"manual",
				"amount":"41.94","currency":"USD"}]}`,
		},
	},
	Fresh: func() ShopifyOptions {
		return ShopifyOptions{Secrets: scheme.FreshSecrets("shpss_"), ShopDomain: callback.List{"your-shop.myshopify.com"}}
	},
}

// shopifyRefund sums what was given back. A refund may have no transaction, when goods are only put back into stock, or one
// that failed.
func shopifyRefund(root gjson.Result, e *callback.Event) *callback.Refusal {
	var total relay.Amount
	var refusal *callback.Refusal
	root.Get("transactions").ForEach(func(_, t gjson.Result) bool {
		if callback.Text(t.Get("kind")) != "refund" || callback.Text(t.Get("status")) != "success" {
			return true
		}
		var amount relay.Amount
		if amount, refusal = callback.MajorAmount(t.Get("amount"), "transactions.amount"); refusal != nil {
			return false
		}
		total = total.Plus(amount)
		return true
	})
	if e.Amount = total; total == "" {
		e.Status = ""
	}
	return refusal
}
