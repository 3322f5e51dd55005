package wechatpay

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

const paid = `{"out_trade_no":"o-1","trade_state":"SUCCESS","amount":{"total":10000,"payer_total":9500,"currency":"CNY"}}`

// body signs a body whose envelope is changed from a good one.
func body(t *testing.T, s *Signer, change func(envelope, resource map[string]any)) callback.Request {
	t.Helper()
	var envelope map[string]any
	if err := json.Unmarshal(tell(t, s, "TRANSACTION.SUCCESS", paid).Body, &envelope); err != nil {
		t.Fatal(err)
	}
	change(envelope, envelope["resource"].(map[string]any))
	text, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.sign(text, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The official SDK panics on another nonce length and on a missing resource.
func TestBrokenResourcesAreRefused(t *testing.T) {
	p, s := open(t, nil)
	for name, c := range map[string]struct {
		reason callback.Reason
		change func(envelope, resource map[string]any)
	}{
		"no resource":        {callback.Malformed, func(e, _ map[string]any) { delete(e, "resource") }},
		"resource is null":   {callback.Malformed, func(e, _ map[string]any) { e["resource"] = nil }},
		"resource is a list": {callback.Malformed, func(e, _ map[string]any) { e["resource"] = []int{1} }},
		"no nonce":           {callback.Malformed, func(_, r map[string]any) { delete(r, "nonce") }},
		"long nonce":         {callback.Malformed, func(_, r map[string]any) { r["nonce"] = "0123456789abc" }},
		"other nonce":        {callback.DecryptFailed, func(_, r map[string]any) { r["nonce"] = "0123456789ab" }},
		"ciphertext no text": {callback.DecryptFailed, func(_, r map[string]any) { r["ciphertext"] = true }},
		"ciphertext short":   {callback.DecryptFailed, func(_, r map[string]any) { r["ciphertext"] = "AAAA" }},
		"not base64":         {callback.Malformed, func(_, r map[string]any) { r["ciphertext"] = "A" }},
		"SM4":                {callback.UnsupportedAlgorithm, func(_, r map[string]any) { r["algorithm"] = "AEAD_SM4_GCM" }},
		"no algorithm":       {callback.UnsupportedAlgorithm, func(_, r map[string]any) { delete(r, "algorithm") }},
		"other data":         {callback.DecryptFailed, func(_, r map[string]any) { r["associated_data"] = "refund" }},
		"no event type":      {callback.Malformed, func(e, _ map[string]any) { delete(e, "event_type") }},
		"no id":              {callback.Malformed, func(e, _ map[string]any) { delete(e, "id") }},
	} {
		t.Run(name, func(t *testing.T) {
			refusal := refuses(t, p, body(t, s, c.change), now, c.reason)
			if refusal.Genuine != (c.reason == callback.Malformed) {
				t.Errorf("genuine %v", refusal.Genuine)
			}
		})
	}
	for _, text := range []string{"", "null", "[]", "{", `{"event_type":{}}`, `{"event_type":"PAYSCORE.USER_PAID"`, strings.Repeat("[", 20000)} {
		r, err := s.sign([]byte(text), now)
		if err != nil {
			t.Fatal(err)
		}
		if !refuses(t, p, r, now, callback.Malformed).Genuine {
			t.Errorf("%.20q: not genuine", text)
		}
	}
}

func TestContentThatIsNoObjectIsMalformed(t *testing.T) {
	p, s := open(t, nil)
	for _, plain := range []string{"", "null", "[1]", "{", "12"} {
		r := body(t, s, func(_, resource map[string]any) {
			sealed := s.aead.Seal(nil, []byte("0123456789ab"), []byte(plain), nil)
			resource["nonce"], resource["associated_data"], resource["ciphertext"] = "0123456789ab", "", sealed
		})
		refuses(t, p, r, now, callback.Malformed)
	}
}

// A coupon makes the payer pay less; the order is paid in full all the same.
func TestAmountIsTheOrdersNotThePayers(t *testing.T) {
	p, s := open(t, nil)
	if e := parse(t, p, tell(t, s, "TRANSACTION.SUCCESS", paid)); len(e) != 1 || e[0].Amount != "100.00" {
		t.Errorf("paid %+v, want 100.00", e)
	}
	refund := `{"out_trade_no":"o-1","refund_status":"SUCCESS","amount":{"total":10000,"refund":4000,"payer_total":9500,"payer_refund":3800}}`
	if e := parse(t, p, tell(t, s, "REFUND.SUCCESS", refund)); len(e) != 1 || e[0].Amount != "40.00" || e[0].Currency != "CNY" {
		t.Errorf("refunded %+v, want 40.00 CNY", e)
	}
}

func TestAmounts(t *testing.T) {
	p, s := open(t, nil)
	for _, c := range []struct {
		amount, want, currency string
		ok                     bool
	}{
		{`{"total":1,"currency":"CNY"}`, "0.01", "CNY", true},
		{`{"total":0,"currency":"CNY"}`, "0.00", "CNY", true},
		{`{"total":500,"currency":"JPY"}`, "500", "JPY", true},
		{`{"total":100}`, "1.00", "CNY", true},
		{`{"total":9007199254740993,"currency":"CNY"}`, "90071992547409.93", "CNY", true},
		{`{"total":100,"currency":"XYZ"}`, "", "XYZ", true},
		{`{}`, "", "CNY", true},
		{`{"total":1.5}`, "", "", false},
		{`{"total":1e4}`, "", "", false},
		{`{"total":-1}`, "", "", false},
		{`{"total":"100"}`, "", "", false},
		{`{"total":true}`, "", "", false},
	} {
		r := tell(t, s, "TRANSACTION.SUCCESS", `{"out_trade_no":"o-1","trade_state":"SUCCESS","amount":`+c.amount+`}`)
		if !c.ok {
			if !refuses(t, p, r, now, callback.Malformed).Genuine {
				t.Errorf("%s: not genuine", c.amount)
			}
			continue
		}
		if e := parse(t, p, r); len(e) != 1 || string(e[0].Amount) != c.want || e[0].Currency != c.currency {
			t.Errorf("%s: %+v, want %s %s", c.amount, e, c.want, c.currency)
		}
	}
}

func TestTypeAndStateMustAgree(t *testing.T) {
	p, s := open(t, nil)
	for _, c := range []struct {
		eventType, member, state string
		want                     relay.Status
	}{
		{"TRANSACTION.SUCCESS", "trade_state", "SUCCESS", relay.Paid},
		{"TRANSACTION.SUCCESS", "trade_state", "NOTPAY", ""},
		{"TRANSACTION.SUCCESS", "trade_state", "REFUND", ""},
		{"TRANSACTION.SUCCESS", "refund_status", "SUCCESS", ""},
		{"TRANSACTION.FAIL", "trade_state", "PAYERROR", relay.Failed},
		{"TRANSACTION.FAIL", "trade_state", "SUCCESS", ""},
		{"TRANSACTION.FAIL", "trade_state", "REFUND", ""},
		{"TRANSACTION.FAIL", "state", "PAYERROR", ""},
		{"REFUND.SUCCESS", "refund_status", "SUCCESS", relay.Refunded},
		{"REFUND.SUCCESS", "refund_status", "PROCESSING", ""},
		{"REFUND.SUCCESS", "trade_state", "SUCCESS", ""}, // a refund is no payment
		{"REFUND.ABNORMAL", "refund_status", "ABNORMAL", relay.RefundFailed},
		{"REFUND.CLOSED", "refund_status", "CLOSED", relay.RefundFailed},
		{"REFUND.CLOSED", "refund_status", "SUCCESS", ""},
	} {
		events := parse(t, p, tell(t, s, c.eventType, `{"out_trade_no":"o-1","`+c.member+`":"`+c.state+`"}`))
		switch {
		case c.want == "" && len(events) == 0:
		case len(events) != 1 || events[0].Status != c.want || events[0].ProviderStatus != c.state:
			t.Errorf("%s %s: %+v, want %q", c.eventType, c.state, events, c.want)
		case events[0].Final != (c.want != relay.Failed):
			t.Errorf("%s: final %v", c.eventType, events[0].Final)
		}
	}
}

// Profit sharing comes as TRANSACTION.SUCCESS of a `transaction`, with a transaction_id and an amount.
func TestProfitSharingIsNoPayment(t *testing.T) {
	p, s := open(t, func(o *Options) { o.Fields.Payment = "transaction_id" })
	if e := parse(t, p, tell(t, s, "TRANSACTION.SUCCESS", `{"mchid":"`+s.options.MchID[0]+`","transaction_id":"42","out_order_no":"o-1",
		"receiver":{"amount":100},"success_time":"2026-11-22T15:59:58+08:00"}`)); len(e) != 0 {
		t.Errorf("events %+v", e)
	}
}

func TestOtherTypesAreAcknowledged(t *testing.T) {
	p, s := open(t, nil)
	for _, eventType := range []string{"PAYSCORE.USER_PAID", "ENTRUST.SIGNING", "SECURITY_ECHO.SUCCESS", "COUPON.USE", "MALL_TRANSACTION.SUCCESS"} {
		if e := parse(t, p, tell(t, s, eventType, paid)); len(e) != 0 {
			t.Errorf("%s: %+v", eventType, e)
		}
	}
	for _, resource := range []any{nil, map[string]string{"algorithm": "AEAD_SM4_GCM"}, "text"} {
		r := body(t, s, func(e, _ map[string]any) { e["event_type"], e["resource"] = "PAYSCORE.USER_PAID", resource })
		if e := parse(t, p, r); len(e) != 0 {
			t.Errorf("%v: %+v", resource, e)
		}
	}
}

// A merchant orders the self-test to learn whether its receiver can verify and open.
func TestSelfTestFailsWhereOpeningFails(t *testing.T) {
	p, s := open(t, nil)
	refuses(t, p, body(t, s, func(e, r map[string]any) {
		e["event_type"], r["associated_data"] = "SECURITY_ECHO.SUCCESS", "other"
	}), now, callback.DecryptFailed)
}

func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		name, content string
		ok            bool
	}{
		{"own", `"mchid":"M1","appid":"A1"`, true},
		{"second", `"mchid":"M2","appid":"A1"`, true},
		{"other merchant", `"mchid":"X","appid":"A1"`, false},
		{"other app", `"mchid":"M1","appid":"X"`, false},
		{"none named", ``, true},
		{"service provider", `"sp_mchid":"M1","sub_mchid":"X","sp_appid":"A1","sub_appid":"X"`, true},
		{"sub-merchant", `"sp_mchid":"X","sub_mchid":"M1","sp_appid":"X","sub_appid":"A1"`, true},
		{"other partner", `"sp_mchid":"X","sub_mchid":"Y"`, false},
		{"other partner app", `"sp_mchid":"M1","sp_appid":"X","sub_appid":"Y"`, false},
		{"combined, initiator", `"combine_mchid":"M1","combine_appid":"A1","sub_orders":[{"mchid":"X"}]`, true},
		{"combined, receiver", `"combine_mchid":"X","sub_orders":[{"mchid":"M1"},{"mchid":"Y","sub_mchid":"M2"}]`, true},
		{"combined, one other", `"combine_mchid":"X","sub_orders":[{"mchid":"M1"},{"mchid":"Y"}]`, false},
		{"combined, other app", `"combine_mchid":"M1","combine_appid":"X","sub_orders":[{"mchid":"M1"}]`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s := open(t, func(o *Options) { o.MchID, o.AppID = callback.List{"M1", "M2"}, callback.List{"A1"} })
			for _, eventType := range []string{"TRANSACTION.SUCCESS", "REFUND.SUCCESS", "PAYSCORE.USER_PAID"} {
				r := tell(t, s, eventType, "{"+c.content+"}")
				if c.ok {
					parse(t, p, r)
					continue
				}
				if refuses(t, p, r, now, callback.WrongAccount).Genuine {
					t.Error("a foreign account's callback is answered as malformed")
				}
			}
			free, _ := open(t, func(o *Options) { o.MchID, o.AppID = nil, nil })
			parse(t, free, tell(t, s, "TRANSACTION.SUCCESS", "{"+c.content+"}"))
		})
	}
}

func TestCombinedPaymentTellsEachOrder(t *testing.T) {
	p, s := open(t, nil)
	events := parse(t, p, tell(t, s, "TRANSACTION.SUCCESS", `{"combine_out_trade_no":"c-1","sub_orders":[
		{"out_trade_no":"o-1","transaction_id":"41","trade_state":"SUCCESS","amount":{"total_amount":1200,"payer_amount":1100,"currency":"CNY"}},
		{"out_trade_no":"o-2","transaction_id":"42","trade_state":"NOTPAY","amount":{"total_amount":1}},
		{"out_trade_no":"bad\u0000id","trade_state":"SUCCESS","amount":{"total_amount":1}},
		7,
		{"out_trade_no":"o-3","transaction_id":"43","trade_state":"SUCCESS","amount":{"total_amount":3400,"currency":"CNY"}}]}`))
	wanted := []relay.Event{
		{Payment: "o-1", TransactionID: "41", Amount: "12.00"},
		{Payment: "bad\x00id", Amount: "0.01"},
		{Payment: "o-3", TransactionID: "43", Amount: "34.00"},
	}
	if len(events) != len(wanted) {
		t.Fatalf("events %+v, want %d", events, len(wanted))
	}
	for i, want := range wanted {
		e := events[i]
		if e.ID != "EV-1" || e.Payment != want.Payment || e.TransactionID != want.TransactionID || e.Amount != want.Amount || e.Status != relay.Paid {
			t.Errorf("event %d: %+v, want %+v", i, e, want)
		}
	}
	kept, _ := callback.Source{Name: "s"}.Events(events)
	if len(kept) != 2 || kept[0].ID != "s:o-1:EV-1" || kept[1].ID != "s:o-3:EV-1" {
		t.Errorf("a source keeps %+v, want the two with a usable payment", kept)
	}
}

func TestUnusablePaymentIDIsAcknowledged(t *testing.T) {
	p, s := open(t, nil)
	for _, id := range []string{`""`, `".."`, `"a\nb"`, `"` + strings.Repeat("x", 129) + `"`, `null`, `{}`, `true`} {
		t.Run(id, func(t *testing.T) {
			events, err := p.Parse(tell(t, s, "TRANSACTION.SUCCESS", `{"trade_state":"SUCCESS","out_trade_no":`+id+`}`), now)
			callbacktest.Unusable(t, events, err)
		})
	}
}

func TestPaymentFieldCanBeSet(t *testing.T) {
	p, s := open(t, func(o *Options) { o.Fields.Payment = "attach" })
	for content, want := range map[string]string{
		`{"out_trade_no":"o-1","attach":"cart-9","trade_state":"SUCCESS"}`:                         "cart-9",
		`{"attach":"no","sub_orders":[{"out_trade_no":"o","attach":"a","trade_state":"SUCCESS"}]}`: "a",
	} {
		if e := parse(t, p, tell(t, s, "TRANSACTION.SUCCESS", content)); len(e) != 1 || e[0].Payment != want {
			t.Errorf("%s: %+v, want %s", content, e, want)
		}
	}
	events, err := p.Parse(tell(t, s, "TRANSACTION.SUCCESS", paid), now) // without attach
	callbacktest.Unusable(t, events, err)
}

func TestTimeIsTheSuccessElseTheCallbacks(t *testing.T) {
	p, s := open(t, nil)
	for text, want := range map[string]time.Time{
		`"2026-11-22T15:00:00+08:00"`: now.Add(-time.Hour),
		`""`:                          now,
		`"20261122150000"`:            now,
		`null`:                        now,
	} {
		e := parse(t, p, tell(t, s, "TRANSACTION.SUCCESS", `{"out_trade_no":"o-1","trade_state":"SUCCESS","success_time":`+text+`}`))
		if len(e) != 1 || !e[0].Time.Equal(want) {
			t.Errorf("%s: %+v, want %v", text, e, want)
		}
	}
	e := parse(t, p, body(t, s, func(envelope, _ map[string]any) { envelope["create_time"] = "20180225112233" }))
	if len(e) != 1 || !e[0].Time.IsZero() {
		t.Errorf("without any zone: %+v, want no time", e)
	}
}
