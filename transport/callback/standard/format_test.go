package standard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/standard"
)

// Settings are read as the configuration file is, so that the tags are tested as well.
func TestSettingsOfTheDesign(t *testing.T) {
	o := throwaway(t)
	secrets := o.Secrets
	o = callbacktest.Decode[standard.Options](t, map[string]any{
		"fields":      map[string]any{"payment": "data.order", "amount": "data.total", "currency": "data.money"},
		"amount_unit": "major",
		"statuses":    map[string]any{"order.paid": "paid", "order.closed": "closed"},
		"tolerance":   "60s",
		"final":       "failed",
	})
	o.Secrets = secrets
	e := one(t, o, `{"type":"order.paid","timestamp":"2026-11-22T10:00:00.5+08:00",`+
		`"data":{"order":"o-1","total":129.00,"money":"eur","payment_id":"p-1"}}`)
	want := relay.Event{ID: "msg_1", Payment: "o-1", Status: relay.Paid, Final: true,
		Time: time.Date(2026, 11, 22, 2, 0, 0, 5e8, time.UTC), Amount: "129.00", Currency: "EUR",
		TransactionID: "p-1", ProviderStatus: "order.paid"}
	if e.Event != want || e.Type != "order.paid" || e.Derived {
		t.Errorf("%+v, want %+v", e, want)
	}
	if events, err := parse(t, o, `{"type":"payment.succeeded","data":{"order":"o-1"}}`); err != nil || len(events) != 0 {
		t.Errorf("a given map did not replace the default: %+v, %v", events, err)
	}
}

func TestStatusField(t *testing.T) {
	o := throwaway(t)
	o.Fields.Status = "data.state"
	o.Statuses = map[string]string{"7": "paid"}
	e := one(t, o, `{"type":"invoice.changed","data":{"order_id":1001,"state":7}}`)
	if e.Payment != "1001" || e.ProviderStatus != "7" || e.Type != "invoice.changed" {
		t.Errorf("%+v, want payment 1001, status 7 of invoice.changed", e)
	}
}

func TestGenuineButNoEvent(t *testing.T) {
	o := throwaway(t)
	for _, body := range []string{
		`{}`,
		`{"type":"customer.created"}`,
		`{"type":["payment.paid"],"data":{"order_id":"a"}}`,
	} {
		if events, err := parse(t, o, body); err != nil || len(events) != 0 {
			t.Errorf("%s: %+v, %v; want nothing", body, events, err)
		}
	}
}

func TestUnusablePayment(t *testing.T) {
	o := throwaway(t)
	for _, body := range []string{
		`{"type":"payment.paid"}`,
		`{"type":"payment.paid","data":{"order_id":""}}`,
		`{"type":"payment.paid","data":{"order_id":null}}`,
		`{"type":"payment.paid","data":{"order_id":"a\u0000b"}}`,
		`{"type":"payment.paid","data":{"order_id":"a\nb"}}`,
		`{"type":"payment.paid","data":{"order_id":".."}}`,
		`{"type":"payment.paid","data":{"order_id":"` + strings.Repeat("a", 129) + `"}}`,
		"{\"type\":\"payment.paid\",\"data\":{\"order_id\":\"\xff\"}}",
	} {
		t.Run(body, func(t *testing.T) {
			events, err := parse(t, o, body)
			callbacktest.Unusable(t, events, err)
		})
	}
}

func TestMalformedAfterAGoodSignature(t *testing.T) {
	o := throwaway(t)
	for _, body := range []string{
		``, `[]`, `7`, `"text"`, `{`, `{} {}`, "\xef\xbb\xbf{}",
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		`{"type":"payment.paid","data":{"order_id":"a","currency":"EUR","amount":1.5}}`,
		`{"type":"payment.paid","data":{"order_id":"a","currency":"EUR","amount":1e3}}`,
		`{"type":"payment.paid","data":{"order_id":"a","currency":"EUR","amount":-1}}`,
		`{"type":"payment.paid","data":{"order_id":"a","currency":"EUR","amount":"1,000"}}`,
		`{"type":"payment.paid","data":{"order_id":"a","currency":"EUR","amount":true}}`,
		`{"type":"payment.paid","data":{"order_id":"a","currency":"E R","amount":1}}`,
		`{"type":"payment.paid","data":{"order_id":"a","currency":978,"amount":{}}}`,
	} {
		_, err := parse(t, o, body)
		if err == nil {
			t.Errorf("%.60s: accepted", body)
			continue
		}
		if r := err.(*callback.Refusal); r.Reason != callback.Malformed || !r.Genuine {
			t.Errorf("%.60s: %+v, want malformed and genuine", body, r)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct{ unit, amount, currency, want string }{
		{"minor", `4200`, `"EUR"`, "42.00"},
		{"minor", `"4200"`, `"EUR"`, "42.00"},
		{"minor", `1500`, `"JPY"`, "1500"},
		{"minor", `1500`, `"kwd"`, "1.500"},
		{"minor", `9007199254740993`, `"EUR"`, "90071992547409.93"},
		{"minor", `5`, `"EUR"`, "0.05"},
		{"minor", `4200`, `"XXX"`, ""},
		{"minor", `4200`, `null`, ""},
		{"minor", `null`, `"EUR"`, ""},
		{"major", `0.1`, `"EUR"`, "0.1"},
		{"major", `"129.00"`, `"EUR"`, "129.00"},
		{"major", `12345678901234567890.123456789`, `"EUR"`, "12345678901234567890.123456789"},
	} {
		o := throwaway(t)
		o.AmountUnit = c.unit
		e := one(t, o, `{"type":"payment.paid","data":{"order_id":"a","amount":`+c.amount+`,"currency":`+c.currency+`}}`)
		if string(e.Amount) != c.want {
			t.Errorf("%s %s %s: %q, want %q", c.unit, c.amount, c.currency, e.Amount, c.want)
		}
	}
}

func TestTimeNeedsAZone(t *testing.T) {
	o := throwaway(t)
	for _, timestamp := range []string{`"2026-11-22T02:00:00"`, `"2026-11-22"`, `1795312799`, `null`} {
		e := one(t, o, `{"type":"payment.paid","timestamp":`+timestamp+`,"data":{"order_id":"a"}}`)
		if !e.Time.IsZero() {
			t.Errorf("%s: %v, want none", timestamp, e.Time)
		}
	}
}

func TestProvidersWordsArePrintable(t *testing.T) {
	e := one(t, throwaway(t), `{"type":"payment.paid","data":{"order_id":"a","payment_id":"x\u001b[2J"}}`)
	if e.TransactionID != "" {
		t.Errorf("transaction %q with a control character", e.TransactionID)
	}
}
