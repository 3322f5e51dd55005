package transport_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
)

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		a := s.waiter(t, "p", "/v1/payments/p")
		a.expect(t, "unknown, ticket", 200, "")
		if a.member(t, "status") != "pending" || a.member(t, "final") != false || a.member(t, "payment") != "p" {
			t.Errorf("unknown: %s", a.body)
		}
		s.merchant(t, "GET", "/v1/payments/p", "").expect(t, "unknown, API key", 404, "unknown_payment")

		s.merchant(t, "PUT", "/v1/payments/p", `{"amount":"5","currency":"EUR"}`).expect(t, "register", 201, "")
		a = s.merchant(t, "GET", "/v1/payments/p", "")
		a.expect(t, "registered", 200, "")
		if !strings.Contains(a.body, `"events":[],"conflicts":[]`) {
			t.Errorf("registered: %s", a.body)
		}

		at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		s.Publish(t, relay.Event{ID: "shop:1", Payment: "p", Status: relay.Paid, Amount: "4.00", Currency: "EUR", Time: at})
		s.Publish(t, relay.Event{ID: "shop:2", Payment: "p", Status: relay.Paid, Amount: "5.00", Currency: "EUR", Time: at,
			Provider: "stripe", TransactionID: "pi_1", ProviderStatus: "succeeded"})
		last := s.Publish(t, relay.Event{ID: "shop:3", Payment: "p", Status: relay.Refunded, Amount: "1.50", Currency: "EUR", Time: at.Add(time.Hour)})
		want := `{"payment":"p","status":"refunded","final":true,"conflict":true,"amount":"5.00","refunded":"1.50","currency":"EUR",` +
			`"updated_at":"2026-11-22T09:00:00Z","position":"` + last.String() + `"`
		if a := s.waiter(t, "p", "/v1/payments/p"); a.body != want+"}" {
			t.Errorf("ticket: %s, want %s}", a.body, want)
		}
		a = s.merchant(t, "GET", "/v1/payments/p", "")
		var p struct {
			Events    []wire.Item
			Conflicts []wire.Conflict
		}
		a.into(t, &p)
		if !strings.HasPrefix(a.body, want+",") || len(p.Events) != 3 || len(p.Conflicts) != 1 {
			t.Fatalf("API key: %s", a.body)
		}
		if p.Events[0].Applied || !p.Events[1].Applied || !p.Events[2].Applied || p.Events[1].Event.Data.TransactionID != "pi_1" {
			t.Errorf("events are %+v", p.Events)
		}
		if c := p.Conflicts[0]; c.Event.ID != "shop:1" || c.Reason != "paid 4.00 EUR, registered 5 EUR" || c.Position != p.Events[0].Position {
			t.Errorf("conflicts are %+v", p.Conflicts)
		}
	})
}

func TestSnapshotAccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		for name, header := range map[string][]string{
			"nothing":        nil,
			"foreign":        {"Authorization", "Bearer " + s.Ticket(t, "q", time.Hour)},
			"expired":        {"Authorization", "Bearer " + s.Ticket(t, "p", 0)},
			"key and ticket": {"Authorization", "Bearer " + transporttest.APIKey, "Authorization", "Bearer " + s.Ticket(t, "p", time.Hour)},
			"bent key":       {"Authorization", "Bearer " + transporttest.APIKey + "x"},
		} {
			a := s.do(t, "GET", "/v1/payments/p", "", header...)
			a.expect(t, name, 401, "unauthorized")
			if a.Header.Get("Vary") != "Origin" {
				t.Errorf("%s: Vary is %q", name, a.Header.Get("Vary"))
			}
		}
		token := s.Ticket(t, "p", time.Hour)
		s.do(t, "GET", "/v1/payments/p?ticket="+token, "").expect(t, "query", 401, "unauthorized")
		s.waiter(t, "p", "/v1/payments/~").expect(t, "own", 401, "unauthorized")
		s.do(t, "GET", "/v1/payments/p", "", "Cookie", "tillbell_ticket="+token).expect(t, "cookie", 200, "")
		s.do(t, "GET", "/v1/payments/p", "", "Cookie", "tillbell_ticket="+token, "Origin", "https://evil.example").
			expect(t, "cookie from elsewhere", 401, "unauthorized")
		s.Engine.Break()
		s.waiter(t, "p", "/v1/payments/p").expect(t, "broken engine, ticket", 503, "unavailable")
		s.merchant(t, "GET", "/v1/payments/p", "").expect(t, "broken engine, API key", 503, "unavailable")
	})
}
