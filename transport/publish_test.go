package transport_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
)

type receipt struct {
	Duplicate, Applied *bool
	Position           string
}

func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		event := `{"id":"e1","status":"paid","final":true,"amount":"129.00","currency":"CNY","time":"2026-11-22T16:00:00.5+08:00"}`
		a := s.merchant(t, "POST", "/v1/payments/p/events", event)
		a.expect(t, "first", 201, "")
		var first, again receipt
		a.into(t, &first)
		if *first.Duplicate || !*first.Applied || first.Position == "" {
			t.Errorf("receipt is %s", a.body)
		}
		a = s.merchant(t, "POST", "/v1/payments/p/events", event)
		a.expect(t, "again", 200, "")
		a.into(t, &again)
		if !*again.Duplicate || !*again.Applied || again.Position != first.Position {
			t.Errorf("receipt is %s", a.body)
		}
		a = s.merchant(t, "POST", "/v1/payments/p/events", `{"id":"e2","status":"pending"}`)
		a.expect(t, "after the outcome", 201, "")
		if a.member(t, "applied") != false {
			t.Errorf("receipt is %s", a.body)
		}
		s.merchant(t, "POST", "/v1/payments/q/events", event).expect(t, "another payment", 201, "")
		var p struct {
			wire.Snapshot
			Events []wire.Item
		}
		s.merchant(t, "GET", "/v1/payments/p", "").into(t, &p)
		want := wire.Event{
			SpecVersion: "1.0", ID: "merchant:p:e1", Source: "/sources/merchant", Type: "payment.paid", Subject: "p",
			Time: "2026-11-22T08:00:00.5Z",
			Data: wire.Data{Payment: "p", Status: relay.Paid, Final: true, Amount: "129.00", Currency: "CNY"},
		}
		if len(p.Events) != 2 || p.Events[0].Event != want || p.Status != relay.Paid {
			t.Errorf("afterwards it is %+v", p)
		}
	})
}

// TestPublishFinal looks at which statuses are final, by themselves and by what is published.
func TestPublishFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		for member, want := range map[string]any{
			`"paid"`: true, `"closed"`: true, `"refunded"`: true, `"refund_failed"`: true, `"failed"`: false, `"pending"`: false,
			`"failed","final":true`: true, `"failed","final":false`: false, `"closed","final":false`: false, `"closed","final":true`: true,
			`"paid","final":true`: true, `"pending","final":false`: false, `"paid","final":null`: true,
		} {
			payment := strings.NewReplacer(`"`, "", ",", "-", ":", "-").Replace(member)
			s.merchant(t, "POST", "/v1/payments/"+payment+"/events", `{"id":"1","status":`+member+`}`).expect(t, member, 201, "")
			if a := s.merchant(t, "GET", "/v1/payments/"+payment, ""); a.member(t, "final") != want {
				t.Errorf("%s: %s", member, a.body)
			}
		}
	})
}

func TestPublishRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		for name, body := range map[string]string{
			"nothing":          ``,
			"no id":            `{"status":"paid"}`,
			"empty id":         `{"id":"","status":"paid"}`,
			"long id":          `{"id":"` + strings.Repeat("x", 257) + `","status":"paid"}`,
			"id of 1":          `{"id":1,"status":"paid"}`,
			"no status":        `{"id":"1"}`,
			"unknown status":   `{"id":"1","status":"won"}`,
			"registered":       `{"id":"1","status":"registered"}`,
			"status of 1":      `{"id":"1","status":1}`,
			"unknown member":   `{"id":"1","status":"paid","provider":"x"}`,
			"final pending":    `{"id":"1","status":"pending","final":true}`,
			"paid, not final":  `{"id":"1","status":"paid","final":false}`,
			"final of a text":  `{"id":"1","status":"failed","final":"true"}`,
			"negative":         `{"id":"1","status":"paid","amount":"-0.01","currency":"EUR"}`,
			"decimals":         `{"id":"1","status":"paid","amount":"0.001","currency":"EUR"}`,
			"amount alone":     `{"id":"1","status":"paid","amount":"1"}`,
			"time with no day": `{"id":"1","status":"paid","time":"08:00:00Z"}`,
			"no zone":          `{"id":"1","status":"paid","time":"2026-11-22T08:00:00"}`,
		} {
			s.merchant(t, "POST", "/v1/payments/p/events", body).expect(t, name, 400, "bad_request")
		}
		s.merchant(t, "POST", "/v1/payments/p/events", strings.Repeat(" ", 1<<20)).expect(t, "large", 413, "payload_too_large")
		s.merchant(t, "GET", "/v1/payments/p", "").expect(t, "afterwards", 404, "unknown_payment")
		s.Engine.Break()
		s.merchant(t, "POST", "/v1/payments/p/events", `{"id":"1","status":"paid"}`).expect(t, "broken engine", 503, "unavailable")
		if !strings.Contains(s.Logged.String(), "route=/v1/payments/{payment}/events") {
			t.Error("the engine's error was not logged")
		}
	})
}

// TestPublishConflict contradicts: it is stored, counted once, and not applied.
func TestPublishConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		s.merchant(t, "PUT", "/v1/payments/p", `{"amount":"5","currency":"EUR"}`).expect(t, "register", 201, "")
		for i, status := range []int{201, 200} {
			a := s.merchant(t, "POST", "/v1/payments/p/events", `{"id":"1","status":"paid","amount":"4","currency":"EUR"}`)
			a.expect(t, "publish", status, "")
			if a.member(t, "applied") != false {
				t.Errorf("%d: receipt is %s", i, a.body)
			}
		}
		if n := strings.Count(s.Logged.String(), "msg=conflict"); n != 1 {
			t.Errorf("%d lines of a conflict", n)
		}
		if !strings.Contains(s.Scrape(t), `tillbell_conflicts_total{source="merchant"} 1`) {
			t.Error("the conflict was not counted once")
		}
	})
}
