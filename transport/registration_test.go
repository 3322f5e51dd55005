package transport_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
)

// registered is what a registration answers.
type registered struct {
	wire.Snapshot
	Ticket    string
	ExpiresAt string `json:"expires_at"`
	URLs      map[string]string
}

func TestRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		first := s.merchant(t, "PUT", "/v1/payments/p", `{"source":"shop","amount":"129.00","currency":"CNY"}`)
		first.expect(t, "first", 201, "")
		var r registered
		first.into(t, &r)
		if r.Payment != "p" || r.Status != relay.Pending || r.Final || r.Conflict || r.Amount != "129.00" || r.Currency != "CNY" {
			t.Errorf("answer is %s", first.body)
		}
		for name, body := range map[string]string{
			"the same":        `{"source":"shop","amount":"129.00","currency":"CNY"}`,
			"as decimals":     `{"source":"shop","amount":"129","currency":"CNY"}`,
			"as a number":     `{"amount":129.0,"currency":"CNY"}`,
			"nothing":         `{}`,
			"no body":         ``,
			"null":            `{"source":null,"amount":null,"currency":null,"expires_at":null,"expires_in":null}`,
			"another expiry":  `{"expires_in":"1h"}`,
			"white space":     " {\n\"source\" : \"shop\" }\t\n",
			"the source only": `{"source":"shop"}`,
		} {
			s.merchant(t, "PUT", "/v1/payments/p", body).expect(t, name, 200, "")
		}
		for name, body := range map[string]string{
			"amount":   `{"amount":"129.01","currency":"CNY"}`,
			"currency": `{"amount":"129.00","currency":"EUR"}`,
			"source":   `{"source":"merchant"}`,
		} {
			for range 2 {
				s.merchant(t, "PUT", "/v1/payments/p", body).expect(t, name, 409, "registered_differently")
			}
		}
		if a := s.merchant(t, "GET", "/v1/payments/p", ""); a.member(t, "conflict") != false || a.member(t, "amount") != "129.00" {
			t.Errorf("afterwards it is %s", a.body)
		}
	})
}

// TestRegisterPaid registers what was paid already: as expected, and otherwise.
func TestRegisterPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		pay := func(payment string) {
			s.Publish(t, relay.Event{ID: "shop:" + payment, Payment: payment, Status: relay.Paid, Amount: "5.00", Currency: "EUR"})
		}
		pay("p")
		a := s.merchant(t, "PUT", "/v1/payments/p", `{"source":"shop","amount":"5","currency":"EUR"}`)
		a.expect(t, "as expected", 201, "")
		if a.member(t, "status") != "paid" || a.member(t, "final") != true {
			t.Errorf("answer is %s", a.body)
		}
		for name, body := range map[string]string{
			"amount": `{"amount":"4.99","currency":"EUR"}`, "currency": `{"amount":"5.00","currency":"USD"}`, "source": `{"source":"merchant"}`,
		} {
			pay(name)
			for range 2 { // a repeat is refused too, and what was registered then is what is compared
				s.merchant(t, "PUT", "/v1/payments/"+name, body).expect(t, name, 409, "paid_differently")
			}
			a := s.merchant(t, "GET", "/v1/payments/"+name, "")
			if a.member(t, "status") != "paid" || a.member(t, "conflict") != true || a.member(t, "amount") != "5.00" {
				t.Errorf("%s: afterwards it is %s", name, a.body)
			}
		}
		if !strings.Contains(s.Logged.String(), "level=WARN msg=conflict source=merchant payment=amount") ||
			!strings.Contains(s.Scrape(t), `tillbell_conflicts_total{source="merchant"}`) {
			t.Error("a conflict was not logged and counted")
		}
	})
}

// TestRegisterReleases registers a payment whose paid event was held back, and had the wrong amount.
func TestRegisterReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		s.Publish(t, relay.Event{ID: "shop:1", Payment: "p", Status: relay.Paid, Amount: "5.00", Currency: "EUR", NeedsRegistration: true})
		a := s.merchant(t, "PUT", "/v1/payments/p", `{"amount":"6.00","currency":"EUR"}`)
		a.expect(t, "register", 201, "")
		if a.member(t, "conflict") != true || a.member(t, "status") != "pending" {
			t.Errorf("answer is %s", a.body)
		}
		if !strings.Contains(s.Logged.String(), "level=WARN msg=conflict source=merchant payment=p") {
			t.Error("the conflict was not logged")
		}
	})
}

// TestRegisterTicket looks at the ticket and the expiry that a registration answers.
func TestRegisterTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{Server: transport.Options{TicketTTL: 10 * time.Minute}})
		now := time.Now()
		for body, want := range map[string]struct{ expires, ticket time.Duration }{
			`{}`: {10 * time.Minute, 10 * time.Minute},
			`{"expires_at":"` + now.Add(time.Hour).UTC().Format(time.RFC3339) + `"}`:                          {time.Hour, 62 * time.Minute},
			`{"expires_at":"` + now.Add(time.Hour).In(time.FixedZone("", 8*3600)).Format(time.RFC3339) + `"}`: {time.Hour, 62 * time.Minute},
			`{"expires_in":"30m"}`: {30 * time.Minute, 32 * time.Minute},
			`{"expires_in":90}`:    {90 * time.Second, 210 * time.Second},
			`{"expires_in":"1s"}`:  {time.Second, 121 * time.Second},
		} {
			a := s.merchant(t, "PUT", "/v1/payments/a%2Fb", body)
			var r registered
			a.into(t, &r)
			s.Secret(r.Ticket)
			if got := now.Add(want.expires).UTC().Format(time.RFC3339); r.ExpiresAt != got {
				t.Errorf("%s: expires_at is %s, want %s", body, r.ExpiresAt, got)
			}
			var claims struct {
				Aud, Sub string
				Exp      int64
			}
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(r.Ticket, ".")[1])
			if err != nil || json.Unmarshal(payload, &claims) != nil {
				t.Fatalf("%s: ticket is %q", body, r.Ticket)
			}
			if claims.Sub != "a/b" || claims.Aud != "tillbell" || claims.Exp != now.Add(want.ticket).Unix() {
				t.Errorf("%s: claims are %+v, want exp in %s", body, claims, want.ticket)
			}
			s.do(t, "GET", "/v1/payments/a%2Fb", "", "Authorization", "Bearer "+r.Ticket).expect(t, "snapshot with it", 200, "")
		}
	})
}

func TestRegisterURLs(t *testing.T) {
	for public, want := range map[string]string{
		"":                         "/v1/payments/%s/sse /v1/payments/%[1]s/ws /v1/payments/%[1]s/poll",
		"http://pay.example:81":    "http://pay.example:81/v1/payments/%s/sse ws://pay.example:81/v1/payments/%[1]s/ws http://pay.example:81/v1/payments/%[1]s/poll",
		"https://pay.example/base": "https://pay.example/base/v1/payments/%s/sse wss://pay.example/base/v1/payments/%[1]s/ws https://pay.example/base/v1/payments/%[1]s/poll",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, transporttest.Options{Server: transport.Options{PublicURL: public}})
			for _, payment := range []string{"order-1001", "a%2Fb%20c%3F%23", "%E8%AE%A2%E5%8D%95", "~"} {
				a := s.merchant(t, "PUT", "/v1/payments/"+payment, "")
				var r registered
				a.into(t, &r)
				if got, want := r.URLs["sse"]+" "+r.URLs["ws"]+" "+r.URLs["poll"], fmt.Sprintf(want, payment); got != want || len(r.URLs) != 3 {
					t.Errorf("urls are %s, want %s", got, want)
				}
				for _, u := range r.URLs {
					if strings.Contains(u, r.Ticket) {
						t.Error("a url holds a ticket")
					}
				}
			}
		})
	}
}

func TestRegisterRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		for name, body := range map[string]string{
			"unknown member":      `{"amout":"1","currency":"EUR"}`,
			"member twice":        `{"source":"shop","source":"shop"}`,
			"other case":          `{"Source":"shop"}`,
			"array":               `[]`,
			"string":              `"x"`,
			"null":                `null`,
			"not JSON":            `{"source":`,
			"two objects":         `{}{}`,
			"comma":               `{"source":"shop",}`,
			"not UTF-8":           "{\"source\":\"sh\xffop\"}",
			"amount alone":        `{"amount":"1"}`,
			"currency alone":      `{"currency":"EUR"}`,
			"negative":            `{"amount":"-1","currency":"EUR"}`,
			"negative number":     `{"amount":-1,"currency":"EUR"}`,
			"exponent":            `{"amount":1e2,"currency":"EUR"}`,
			"decimals":            `{"amount":"1.001","currency":"EUR"}`,
			"decimals of JPY":     `{"amount":"1.0","currency":"JPY"}`,
			"decimals of KWD":     `{"amount":"1.0001","currency":"KWD"}`,
			"unknown currency":    `{"amount":"1","currency":"EEE"}`,
			"lower case":          `{"amount":"1","currency":"eur"}`,
			"empty amount":        `{"amount":"","currency":"EUR"}`,
			"amount of words":     `{"amount":"one","currency":"EUR"}`,
			"amount of true":      `{"amount":true,"currency":"EUR"}`,
			"huge amount":         `{"amount":"` + strings.Repeat("9", 1000) + `","currency":"EUR"}`,
			"currency of 1":       `{"amount":"1","currency":1}`,
			"unknown source":      `{"source":"elsewhere"}`,
			"source of 1":         `{"source":1}`,
			"both expiries":       `{"expires_at":"2126-11-22T08:00:00Z","expires_in":"1h"}`,
			"expired":             `{"expires_at":"1999-11-22T08:00:00Z"}`,
			"expires now":         `{"expires_in":"0s"}`,
			"expires before":      `{"expires_in":-1}`,
			"no zone":             `{"expires_at":"2026-11-22T08:00:00"}`,
			"no time":             `{"expires_at":"tomorrow"}`,
			"time of a number":    `{"expires_at":1}`,
			"far away":            `{"expires_at":"9999-12-31T23:59:59Z"}`,
			"no duration":         `{"expires_in":"soon"}`,
			"duration of objects": `{"expires_in":{}}`,
			"duration too long":   `{"expires_in":99999999999999999}`,
			"deep":                strings.Repeat(`{"source":`, 5000) + strings.Repeat("}", 5000),
		} {
			s.merchant(t, "PUT", "/v1/payments/p", body).expect(t, name, 400, "bad_request")
		}
		s.merchant(t, "GET", "/v1/payments/p", "").expect(t, "afterwards", 404, "unknown_payment")
		s.merchant(t, "PUT", "/v1/payments/p", strings.Repeat(" ", 64<<10+1)).expect(t, "large", 413, "payload_too_large")
		for _, payment := range []string{"%2E", "%2e%2E", "%00", "a%0Ab", "%7F", "%C2%80", "%FF", strings.Repeat("x", 129), strings.Repeat("%E8%AE%A2", 43)} {
			s.merchant(t, "PUT", "/v1/payments/"+payment, "").expect(t, payment, 400, "invalid_payment")
			s.merchant(t, "POST", "/v1/payments/"+payment+"/events", "{}").expect(t, payment, 400, "invalid_payment")
			s.merchant(t, "GET", "/v1/payments/"+payment, "").expect(t, payment, 400, "invalid_payment")
			s.waiter(t, "p", "/v1/payments/"+payment+"/poll").expect(t, payment, 401, "unauthorized")
		}
		s.merchant(t, "PUT", "/v1/payments/"+strings.Repeat("x", 128), "").expect(t, "128 bytes", 201, "")
		for currency, amount := range map[string]string{"EUR": "0.01", "JPY": "100", "KWD": "0.001", "CLF": "0.0001"} {
			s.merchant(t, "PUT", "/v1/payments/"+currency, `{"amount":"`+amount+`","currency":"`+currency+`"}`).expect(t, currency, 201, "")
		}
		s.Engine.Break()
		a := s.merchant(t, "PUT", "/v1/payments/p", "")
		a.expect(t, "broken engine", 503, "unavailable")
		if a.Header.Get("Retry-After") == "" || strings.Contains(a.body, "broken") {
			t.Errorf("answer is %s with %v", a.body, a.Header)
		}
	})
}
