package alipay

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// Each test is one rule of Alipay's notices that receivers get wrong.

func fixture(t *testing.T) (*Provider, *Signer) {
	t.Helper()
	o, key := throwaway()
	return mustNew(t, o), mustSigner(t, o, key)
}

func TestQueryOfTheNotifyURLIsNotRead(t *testing.T) {
	p, s := fixture(t)
	r := post(with(t, s, nil))
	r.URL = &url.URL{Path: "/", RawQuery: "tenant=7&total_amount=0.01&out_trade_no=B-2&sign=x"}
	events, err := p.Parse(r, testNow)
	if err != nil || len(events) != 1 || events[0].Payment != "A-1" || events[0].Amount != "88.88" {
		t.Errorf("%+v, %v", events, err)
	}
	r.URL.RawQuery, r.Body = string(r.Body), nil
	if _, err := p.Parse(r, testNow); reason(err) != callback.MissingHeader {
		t.Errorf("everything in the query: %v", err)
	}
}

func TestContentTypeDoesNotMatter(t *testing.T) {
	p, s := fixture(t)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded; charset=latin-9;;", "multipart/form-data"} {
		r := post(with(t, s, nil))
		r.Header.Set("Content-Type", kind)
		if events, err := p.Parse(r, testNow); err != nil || len(events) != 1 {
			t.Errorf("%q: %+v, %v", kind, events, err)
		}
	}
}

func TestValuesAreDecodedExactlyOnce(t *testing.T) {
	p, s := fixture(t)
	for _, payment := range []string{"a+b", "a%2Bb", "a%252Bb", "a b", "100%", "a=c", "订单;1\"<>"} {
		if e := accepted(t, p, with(t, s, map[string]string{"out_trade_no": payment})); e.Payment != payment {
			t.Errorf("payment %q, want %q", e.Payment, payment)
		}
	}
}

func TestPassbackParamsAreLeftAlone(t *testing.T) {
	o, key := throwaway()
	o.Fields.Payment = "passback_params"
	p, s := mustNew(t, o), mustSigner(t, o, key)
	const text = "merchantBizType%3d3C%26merchantBizNo%3d2016"
	if e := accepted(t, p, with(t, s, map[string]string{"passback_params": text})); e.Payment != text {
		t.Errorf("payment %q", e.Payment)
	}
}

func TestStrictForm(t *testing.T) {
	p, s := fixture(t)
	body := with(t, s, nil)
	for name, changed := range map[string]string{
		"lone percent":        strings.Replace(body, "subject=", "subject=%", 1),
		"half an escape":      body + "&a=%4",
		"not hexadecimal":     body + "&a=%4G",
		"no equals sign":      body + "&a",
		"empty pair":          body + "&",
		"no name":             body + "&=1",
		"equals sign in name": "a%3Db=1&" + body,
		"ampersand in name":   "a%26b=1&" + body,
		"too many":            body + strings.Repeat("&a=", maxParams),
		"json":                `{"out_trade_no":"A-1"}`,
	} {
		t.Run(name, func(t *testing.T) { refused(t, p, changed, callback.Malformed, false) })
	}
}

func TestDuplicateParameters(t *testing.T) {
	p, s := fixture(t)
	body := with(t, s, map[string]string{"refund_fee": "1.00"})
	for _, extra := range []string{
		"total_amount=0.01", "total_amount=88.88", "total_amount=", "out_trade_no=", "refund_fee=", "sign=", "sign_type=RSA2",
		"out%5Ftrade%5Fno=B-2", // the same name, written differently
	} {
		refused(t, p, body+"&"+extra, callback.Malformed, false)
		refused(t, p, extra+"&"+body, callback.Malformed, false)
	}
}

func TestNewlinesInSignAreRefused(t *testing.T) {
	p, s := fixture(t)
	f, _ := parseForm([]byte(with(t, s, nil)))
	sign := f.get("sign")
	for _, changed := range []string{sign + "\n", sign[:8] + "\r\n" + sign[8:], " " + sign, sign + "A", strings.TrimRight(sign, "=")} {
		body := url.Values{"sign": {changed}}
		for _, param := range f {
			if param.name != "sign" {
				body.Set(param.name, param.value)
			}
		}
		refused(t, p, body.Encode(), callback.Malformed, false)
	}
}

// TestEmptyValues: SDKs differ on whether an empty value is signed as `k=` or left out. Both are accepted, and neither
// lets an empty parameter say anything.
func TestEmptyValues(t *testing.T) {
	p, s := fixture(t)
	fields := []string{"body", "", "gmt_refund", "", "out_trade_no", "A-1", "refund_fee", "", "trade_no", "trade-1", "trade_status", success}
	for name, text := range map[string]string{
		"signed":   "body=&gmt_refund=&out_trade_no=A-1&refund_fee=&trade_no=trade-1&trade_status=TRADE_SUCCESS",
		"left out": "out_trade_no=A-1&trade_no=trade-1&trade_status=TRADE_SUCCESS",
	} {
		e := accepted(t, p, unescaped(t, s, text, fields...))
		if e.Status != relay.Paid || e.ID != "trade-1:TRADE_SUCCESS:" || !e.Derived {
			t.Errorf("%s: %+v, want a paid one: empty is absent", name, e)
		}
	}
	mixed := "body=&out_trade_no=A-1&trade_no=trade-1&trade_status=TRADE_SUCCESS"
	refused(t, p, unescaped(t, s, mixed, fields...), callback.BadSignature, false)
}

func TestAddedEmptyParametersSayNothing(t *testing.T) {
	p, s := fixture(t)
	body := with(t, s, nil)
	want := accepted(t, p, body)
	for _, name := range []string{"refund_fee", "gmt_refund", "gmt_close", "out_biz_no", "alipay_cert_sn", "extra"} {
		if got := accepted(t, p, body+"&"+name+"="); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	refused(t, p, body+"&refund_fee=0", callback.BadSignature, false)
}

func TestEmptyPaymentIsNoPayment(t *testing.T) {
	p, s := fixture(t)
	body := unescaped(t, s, "out_trade_no=&trade_status=TRADE_SUCCESS", "out_trade_no", "", "trade_status", success)
	unusable(t, p, body)
}

// TestJoinedParameters: the signed text escapes nothing, so parameters can be hidden in the value before them.
func TestJoinedParameters(t *testing.T) {
	p, s := fixture(t)
	genuine := values(t, s, callback.Notification{Status: relay.Refunded})
	genuine["seller_id"] = "2088other"
	body, _ := url.ParseQuery(signed(t, s, genuine))
	for name, names := range map[string][]string{
		"account": {"refund_fee", "seller_id"},
		"refund":  {"receipt_amount", "refund_fee", "seller_id"},
	} {
		joined := url.Values{}
		for k, v := range body {
			joined[k] = v
		}
		value := body.Get(names[0])
		for _, hidden := range names[1:] {
			value += "&" + hidden + "=" + body.Get(hidden)
			joined.Del(hidden)
		}
		joined.Set(names[0], value)
		t.Run(name, func(t *testing.T) { refused(t, p, joined.Encode(), callback.Malformed, true) })
	}
}

// TestSplitParameters: a subject that the payer chose can be cut into parameters, if what follows is swallowed.
func TestSplitParameters(t *testing.T) {
	p, s := fixture(t)
	genuine := values(t, s, callback.Notification{Payment: "A-1", Amount: "0.01"})
	genuine["subject"] = "gift&total_amount=99.00&trade_no=1&trade_status=TRADE_SUCCESS&zz="
	refused(t, p, signed(t, s, genuine), callback.Malformed, true)

	body, _ := url.ParseQuery(signed(t, s, genuine))
	rest := "&total_amount=0.01&trade_no=" + genuine["trade_no"] + "&trade_status=TRADE_SUCCESS&version=1.0"
	body.Del("version")
	for k, v := range map[string]string{
		"subject": "gift", "total_amount": "99.00", "trade_no": "1", "trade_status": success, "zz": rest,
	} {
		body.Set(k, v)
	}
	refused(t, p, body.Encode(), callback.Malformed, true)
}

func TestAmpersandsInASubjectAreFine(t *testing.T) {
	p, s := fixture(t)
	for _, subject := range []string{"礼品&贺卡 = 开心", "a=1&b=2&", "x&total_amount", "total_amount=1", "&=&&"} {
		accepted(t, p, with(t, s, map[string]string{"subject": subject}))
	}
}

func TestDowngradeToSHA1(t *testing.T) {
	o, key := throwaway()
	o.SignTypes = callback.List{"RSA"}
	s1 := mustSigner(t, o, key)
	body := with(t, s1, nil)
	accepted(t, mustNew(t, o), body)

	p, s2 := fixture(t)
	refused(t, p, body, callback.UnsupportedAlgorithm, false)
	refused(t, p, strings.Replace(body, "sign_type=RSA", "sign_type=RSA2", 1), callback.BadSignature, false)
	refused(t, p, strings.Replace(body, "sign_type=RSA", "sign_type=rsa2", 1), callback.UnsupportedAlgorithm, false)
	refused(t, p, strings.Replace(body, "sign_type=RSA", "extra=", 1), callback.BadSignature, false)

	o.SignTypes = callback.List{"RSA2", "RSA"}
	both := mustNew(t, o)
	accepted(t, both, body)
	accepted(t, both, with(t, s2, nil))
	refused(t, both, strings.Replace(with(t, s2, nil), "sign_type=RSA2", "sign_type=RSA", 1), callback.BadSignature, false)
}

func TestMissingSignTypeMeansTheFirst(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	body := with(t, s, nil)
	for _, instead := range []string{"", "&sign_type="} {
		accepted(t, mustNew(t, o), strings.Replace(body, "&sign_type=RSA2", instead, 1))
	}
	o.SignTypes = callback.List{"RSA", "RSA2"}
	refused(t, mustNew(t, o), strings.Replace(body, "&sign_type=RSA2", "", 1), callback.BadSignature, false)
}

func TestV2StyleIsNotSupported(t *testing.T) {
	p, s := fixture(t)
	text := "out_trade_no=A-1&sign_type=RSA2&trade_status=TRADE_SUCCESS"
	refused(t, p, unescaped(t, s, text, "out_trade_no", "A-1", "trade_status", success), callback.BadSignature, false)
}

func TestOldNoticesAreAccepted(t *testing.T) {
	p, s := fixture(t)
	r := post(with(t, s, nil))
	for _, now := range []time.Time{testNow.Add(25 * time.Hour), testNow.AddDate(1, 0, 0), testNow.AddDate(-1, 0, 0), {}} {
		if events, err := p.Parse(r, now); err != nil || len(events) != 1 {
			t.Errorf("at %v: %+v, %v", now, events, err)
		}
	}
}

func TestAccounts(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	p := mustNew(t, o)
	refused(t, p, with(t, s, map[string]string{"app_id": "2021other"}), callback.WrongAccount, false)
	refused(t, p, with(t, s, map[string]string{"seller_id": "2088other"}), callback.WrongAccount, false)
	accepted(t, p, with(t, s, map[string]string{"app_id": "", "seller_id": ""})) // compared where the notice has them

	o.AppID, o.SellerID = append(o.AppID, "2021other"), nil
	accepted(t, mustNew(t, o), with(t, s, map[string]string{"app_id": "2021other", "seller_id": "2088other"}))
}

func TestGBK(t *testing.T) {
	p, s := fixture(t)
	s.charset = "gbk"
	for _, charset := range []string{"gbk", "GBK", "gb2312", "GB18030"} {
		body := with(t, s, map[string]string{"charset": charset, "out_trade_no": "订单-1", "subject": "礼品&贺卡"})
		if strings.Contains(body, url.QueryEscape("订单")) {
			t.Fatal("not GBK")
		}
		if e := accepted(t, p, body); e.Payment != "订单-1" {
			t.Errorf("%s: payment %q", charset, e.Payment)
		}
	}
	// Bytes that are not GBK name no payment.
	s.charset = "utf-8"
	unusable(t, p, with(t, s, map[string]string{"charset": "gbk", "out_trade_no": "A\xff"}))
	refused(t, p, with(t, s, map[string]string{"charset": "gbk", "trade_no": "A\xff"}), callback.Malformed, true)
	refused(t, p, with(t, s, map[string]string{"charset": "big5"}), callback.Malformed, true)
	accepted(t, p, with(t, s, map[string]string{"charset": ""}))
}

func TestUnusablePaymentIDs(t *testing.T) {
	p, s := fixture(t)
	for _, payment := range []string{"", "A\n1", "A\x00", "..", strings.Repeat("x", 129), "\xff", "\u0085"} {
		unusable(t, p, with(t, s, map[string]string{"out_trade_no": payment}))
	}
}

func TestStatuses(t *testing.T) {
	p, s := fixture(t)
	const refundTime = "2026-11-22 10:05:00.123"
	base := map[string]string{"gmt_create": "2026-11-22 09:59:40", "gmt_payment": "2026-11-22 09:59:58", "gmt_close": "2026-11-22 10:04:00"}
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	created, paid, closedAt, refunded := at("2026-11-22T01:59:40Z"), at("2026-11-22T01:59:58Z"), at("2026-11-22T02:04:00Z"), at("2026-11-22T02:05:00.123Z")
	for name, c := range map[string]struct {
		values map[string]string
		want   relay.Event
	}{
		"waiting":  {map[string]string{"trade_status": waiting}, relay.Event{Status: relay.Pending, Amount: "88.88", Time: created}},
		"success":  {map[string]string{"trade_status": success}, relay.Event{Status: relay.Paid, Final: true, Amount: "88.88", Time: paid}},
		"finished": {map[string]string{"trade_status": finished}, relay.Event{Status: relay.Paid, Final: true, Amount: "88.88", Time: paid}},
		"closed":   {map[string]string{"trade_status": closed}, relay.Event{Status: relay.Closed, Final: true, Amount: "88.88", Time: closedAt}},
		"no refund yet": {map[string]string{"trade_status": success, "refund_fee": "0.00"},
			relay.Event{Status: relay.Paid, Final: true, Amount: "88.88", Time: paid}},
		"partial refund": {map[string]string{"trade_status": success, "refund_fee": "8.00", "gmt_refund": refundTime, "out_biz_no": "R-1", "out_request_no": "R-2"},
			relay.Event{Status: relay.Refunded, Final: true, Amount: "8.00", Time: refunded, RefundID: "R-1", Cumulative: true}},
		"refund of a finished one": {map[string]string{"trade_status": finished, "refund_fee": "8.00", "gmt_refund": refundTime, "out_request_no": "R-2"},
			relay.Event{Status: relay.Refunded, Final: true, Amount: "8.00", Time: refunded, RefundID: "R-2", Cumulative: true}},
		"full refund": {map[string]string{"trade_status": closed, "refund_fee": "88.88", "gmt_refund": refundTime},
			relay.Event{Status: relay.Refunded, Final: true, Amount: "88.88", Time: refunded, Cumulative: true}},
		"refund without amount": {map[string]string{"trade_status": closed, "gmt_refund": refundTime},
			relay.Event{Status: relay.Refunded, Final: true, Time: refunded, Cumulative: true}},
		"refund without time": {map[string]string{"trade_status": closed, "refund_fee": "88.88"},
			relay.Event{Status: relay.Refunded, Final: true, Amount: "88.88", Time: testNow, Cumulative: true}},
		"unreadable time": {map[string]string{"trade_status": success, "gmt_payment": "yesterday"},
			relay.Event{Status: relay.Paid, Final: true, Amount: "88.88", Time: testNow}},
		"no time": {map[string]string{"trade_status": success, "gmt_payment": "", "notify_time": "0000-01-01 00:00:00"},
			relay.Event{Status: relay.Paid, Final: true, Amount: "88.88"}},
		"no amount": {map[string]string{"trade_status": success, "total_amount": ""},
			relay.Event{Status: relay.Paid, Final: true, Time: paid}},
	} {
		t.Run(name, func(t *testing.T) {
			changes := map[string]string{}
			for _, m := range []map[string]string{base, c.values} {
				for k, v := range m {
					changes[k] = v
				}
			}
			c.want.ID, c.want.Payment, c.want.TransactionID, c.want.Currency = "notify-1", "A-1", "trade-1", "CNY"
			c.want.ProviderStatus = c.values["trade_status"]
			got := accepted(t, p, with(t, s, changes))
			if got.Event != c.want || got.Type != c.want.ProviderStatus || got.Derived {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestOtherNoticesAreAcknowledged(t *testing.T) {
	p, s := fixture(t)
	for _, changes := range []map[string]string{
		{"trade_status": "TRADE_PENDING"},
		{"trade_status": "trade_success"},
		{"trade_status": ""}, // the browser's return, posted by somebody who has seen it
		{"notify_type": "dut_user_sign"},
		{"trade_status": "UNKNOWN", "total_amount": "many"},
	} {
		ignored(t, p, with(t, s, changes))
	}
	accepted(t, p, with(t, s, map[string]string{"notify_type": ""}))
}

func TestAmountsAreDecimalText(t *testing.T) {
	p, s := fixture(t)
	for _, name := range []string{"total_amount", "refund_fee"} {
		for _, amount := range []string{"-1.00", "1e3", "1,00", "0x1p4", "NaN", " 1", "+1", ".5", "1.", strings.Repeat("9", 100)} {
			refused(t, p, with(t, s, map[string]string{name: amount}), callback.Malformed, true)
		}
	}
	const exact = "9007199254740993.01" // no float64 has it
	if e := accepted(t, p, with(t, s, map[string]string{"total_amount": exact})); e.Amount != exact {
		t.Errorf("amount %s, want %s", e.Amount, exact)
	}
}

// TestDerivedIDs: without a notify_id the id must differ where the outcome does, and be stable where it does not.
func TestDerivedIDs(t *testing.T) {
	p, s := fixture(t)
	id := func(changes map[string]string) string {
		t.Helper()
		changes["notify_id"] = ""
		e := accepted(t, p, with(t, s, changes))
		if !e.Derived || !strings.Contains(e.ID, "trade-1") {
			t.Errorf("id %q, derived %v", e.ID, e.Derived)
		}
		return e.ID
	}
	ids := map[string]bool{}
	for _, changes := range []map[string]string{
		{"trade_status": waiting}, {"trade_status": success}, {"trade_status": finished}, {"trade_status": closed},
		{"refund_fee": "1.00"}, {"refund_fee": "2.00"}, {"refund_fee": "2.00", "trade_status": closed},
	} {
		ids[id(changes)] = true
	}
	if len(ids) != 7 {
		t.Errorf("%d ids for 7 outcomes: %v", len(ids), ids)
	}
	first, again := id(map[string]string{"notify_time": "2026-11-22 10:00:00"}), id(map[string]string{"notify_time": "2026-11-22 11:00:00"})
	if first != again {
		t.Errorf("a retry has the id %q, the first had %q", again, first)
	}
}

// The signed text is not escaped, so a parameter that is not read could be hidden in the payment id before it.
func TestPaymentIDHidesNoParameter(t *testing.T) {
	p, s := fixture(t)
	body := with(t, s, map[string]string{"out_trade_no": "A-1", "point_amount": "0.00"})
	form, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	form.Set("out_trade_no", "A-1&point_amount=0.00")
	form.Del("point_amount")
	refused(t, p, form.Encode(), callback.Malformed, true)
}
