package schemes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

const (
	shopifyTopic     = "X-Shopify-Topic"
	shopifyWebhookID = "X-Shopify-Webhook-Id"
	shopifyShop      = "X-Shopify-Shop-Domain"
)

func shopifyOrder(financial, cancelled string) string {
	return `{"id":820982911946154508,"cancelled_at":` + cancelled + `,"currency":"USD","financial_status":"` + financial +
		`","name":"#9999","total_price":"403.00","updated_at":"2026-11-22T02:00:00Z","refunds":[],"line_items":[{"id":1}]}`
}

func shopifyRefund(id int, transactions string) string {
	return fmt.Sprintf(`{"id":%d,"order_id":820982911946154508,"created_at":"2026-11-22T03:00:00Z","transactions":%s}`,
		id, transactions)
}

const (
	never     = "null"
	yesterday = `"2026-11-21T02:00:00Z"`
)

// Only the body is signed. Whoever has a genuine call can post it under any topic, id and shop, and it must not come to
// mean what the order does not say: least of all that it was paid.
func TestShopifyTopicIsNotSigned(t *testing.T) {
	s := open(t, &schemes.Shopify)
	topics := []string{"orders/paid", "orders/create", "orders/updated", "orders/cancelled", "refunds/create",
		"orders/edited", "ORDERS/PAID", "",
		"orders/fulfilled", "order_transactions/create", "draft_orders/create", "checkouts/create"}
	for body, may := range map[string][]relay.Status{
		shopifyOrder("pending", never):            {relay.Pending},
		shopifyOrder("authorized", never):         {relay.Pending},
		shopifyOrder("partially_paid", never):     {relay.Pending},
		shopifyOrder("expired", never):            nil,
		shopifyOrder("voided", never):             nil,
		shopifyOrder("", never):                   nil,
		shopifyOrder("PAID", never):               nil,
		shopifyOrder("paid", never):               {relay.Paid},
		shopifyOrder("voided", yesterday):         {relay.Closed},
		shopifyOrder("pending", yesterday):        {relay.Closed, relay.Pending},
		shopifyOrder("authorized", yesterday):     {relay.Closed, relay.Pending},
		shopifyOrder("paid", yesterday):           {relay.Paid}, // cancelled without giving the money back
		shopifyOrder("refunded", yesterday):       nil,
		shopifyOrder("refunded", never):           nil, // a deposit was given back, maybe
		shopifyOrder("partially_refunded", never): nil,
		shopifyRefund(1, `[{"kind":"refund","status":"success","amount":"41.94","currency":"USD"}]`): {relay.Refunded},
		shopifyRefund(1, `[{"kind":"refund","status":"pending","amount":"41.94","currency":"USD"}]`): nil,
		shopifyRefund(1, `[{"kind":"sale","status":"success","amount":"41.94","currency":"USD"}]`):   nil,
		shopifyRefund(1, `[]`): nil,
		// Bodies of other topics that a subscription may have.
		`{"id":1,"order_id":820982911946154508,"kind":"sale","status":"success","amount":"403.00","currency":"USD"}`: nil,
		`{"id":1,"order_id":null,"status":"open","total_price":"403.00","currency":"USD"}`:                           nil,
		`{"id":1,"token":"t","total_price":"403.00","currency":"USD","completed_at":null}`:                           nil,
		`{"order_edit":{"id":1,"order_id":820982911946154508}}`:                                                      nil,
	} {
		for _, topic := range topics {
			events, err := s.parse(s.call(body, shopifyTopic, topic, shopifyWebhookID, "w-1"))
			if err != nil || len(events) > 1 {
				t.Fatalf("%s: %s: %+v, %v", topic, body, events, err)
			}
			if len(events) == 1 && (!slices.Contains(may, events[0].Status) || events[0].Payment != "820982911946154508") {
				t.Errorf("posted as %s it says %s of %s: %s", topic, events[0].Status, events[0].Payment, body)
			}
		}
	}
}

// The topics do mean something where they fit.
func TestShopifyTopics(t *testing.T) {
	s := open(t, &schemes.Shopify)
	for _, c := range []struct {
		topic, body string
		want        relay.Status
		amount      relay.Amount
	}{
		{"orders/create", shopifyOrder("pending", never), relay.Pending, "403.00"},
		{"orders/create", shopifyOrder("paid", never), relay.Paid, "403.00"},
		{"orders/paid", shopifyOrder("paid", never), relay.Paid, "403.00"},
		{"orders/updated", shopifyOrder("authorized", never), relay.Pending, "403.00"},
		{"orders/cancelled", shopifyOrder("voided", yesterday), relay.Closed, "403.00"},
		{"orders/cancelled", shopifyOrder("pending", yesterday), relay.Closed, "403.00"},
		{"refunds/create", shopifyRefund(1, `[{"kind":"refund","status":"success","amount":"41.94","currency":"USD"}]`),
			relay.Refunded, "41.94"},
	} {
		e := s.one(c.body, shopifyTopic, c.topic, shopifyWebhookID, "w-1")
		if e.Status != c.want || !e.Amount.Equal(c.amount) || e.Currency != "USD" || e.ID != "w-1" ||
			e.Payment != "820982911946154508" {
			t.Errorf("%s: %+v", c.topic, e)
		}
	}
	for _, body := range []string{shopifyOrder("paid", yesterday), shopifyOrder("refunded", yesterday),
		shopifyOrder("voided", never)} {
		// What was paid is not closed, nor what was not cancelled.
		s.none(body, shopifyTopic, "orders/cancelled", shopifyWebhookID, "w-1")
	}
}

// A genuine call that is posted again under other unsigned headers changes nothing.
func TestShopifyIDsAreNotSigned(t *testing.T) {
	s := open(t, &schemes.Shopify)
	var calls []callback.Request
	for i := range 4 {
		id := fmt.Sprint("w-", i)
		calls = append(calls,
			s.call(shopifyOrder("pending", never), shopifyTopic, "orders/paid", shopifyWebhookID, id),
			s.call(shopifyOrder("paid", never), shopifyTopic, "orders/paid", shopifyWebhookID, id+"p"),
			s.call(shopifyRefund(1, `[{"kind":"refund","status":"success","amount":"41.94","currency":"USD"}]`),
				shopifyTopic, "refunds/create", shopifyWebhookID, id+"r"))
	}
	state, told := s.log("820982911946154508", calls...)
	if state.Status != relay.Refunded || state.Refunded != "41.94" || state.Conflict ||
		!slices.Equal(told, []relay.Status{relay.Pending, relay.Paid, relay.Refunded}) {
		t.Errorf("%+v, told %v; want one payment and one refund", state, told)
	}
}

// Ids are beyond 2^53, where a float tells no neighbours apart.
func TestShopifyIDsBeyondFloat(t *testing.T) {
	s := open(t, &schemes.Shopify)
	for _, id := range []string{"820982911946154508", "820982911946154509", "9007199254740993", "18446744073709551615"} {
		body := strings.Replace(shopifyOrder("paid", never), "820982911946154508", id, 1)
		if e := s.one(body, shopifyTopic, "orders/paid", shopifyWebhookID, "w-1"); e.Payment != id ||
			e.TransactionID != id {
			t.Errorf("%s: %+v", id, e)
		}
		r := s.said(callback.Notification{Payment: id, Status: relay.Paid})
		if !strings.Contains(string(r.Body), `"id":`+id+`,`) {
			t.Errorf("%s: signed %s", id, r.Body)
		}
	}
}

// A refund may have several transactions, some of which did not succeed, or none, when goods are only taken back.
func TestShopifyRefundIsTheSumOfItsTransactions(t *testing.T) {
	s := open(t, &schemes.Shopify)
	const given = `{"kind":"refund","status":"success","amount":"41.94","currency":"USD"}`
	for more, want := range map[string]relay.Amount{
		`{"kind":"refund","status":"success","amount":"0.06","currency":"USD"}`:  "42.00",
		`{"kind":"refund","status":"failure","amount":"10.00","currency":"USD"}`: "41.94",
		`{"kind":"void","status":"success","amount":"9.00","currency":"USD"}`:    "41.94",
	} {
		for _, transactions := range []string{"[" + given + "," + more + "]", "[" + more + "," + given + "]"} {
			e := s.one(shopifyRefund(1, transactions), shopifyTopic, "refunds/create", shopifyWebhookID, "w-1")
			if !e.Amount.Equal(want) || e.RefundID != "1" {
				t.Errorf("%s: %+v, want %s", transactions, e, want)
			}
		}
	}
	for _, amount := range []string{`"-1.00"`, `"1,00"`, `{}`, `1e3`} {
		body := shopifyRefund(1, `[{"kind":"refund","status":"success","amount":`+amount+`,"currency":"USD"}]`)
		s.refused(callback.Malformed, s.call(body, shopifyTopic, "refunds/create", shopifyWebhookID, "w-1"))
	}
}

func TestShopifyShop(t *testing.T) {
	s := open(t, &schemes.Shopify, func(o *schemes.ShopifyOptions) { o.ShopDomain = callback.List{"mine.myshopify.com"} })
	for domain, want := range map[string]callback.Reason{"mine.myshopify.com": "", "other.myshopify.com": callback.WrongAccount} {
		r := s.call(shopifyOrder("paid", never), shopifyTopic, "orders/paid", shopifyWebhookID, "w", shopifyShop, domain)
		if want != "" {
			s.refused(want, r)
		} else if events, err := s.parse(r); err != nil || len(events) != 1 {
			t.Errorf("%s: %+v, %v", domain, events, err)
		}
	}
}
