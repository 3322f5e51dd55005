package alipay

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// beijing is the zone of all times in a notice. China has no daylight saving time.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// The values of trade_status.
const (
	waiting  = "WAIT_BUYER_PAY"
	success  = "TRADE_SUCCESS"
	finished = "TRADE_FINISHED"
	closed   = "TRADE_CLOSED"
)

// fields are the parameters that an event is made of, beside the payment id.
var fields = []string{
	"notify_type", "notify_id", "notify_time", "trade_no", "trade_status", "total_amount", "refund_fee",
	"gmt_create", "gmt_payment", "gmt_refund", "gmt_close", "out_biz_no", "out_request_no",
}

// notice is the fields of a verified form as UTF-8. Absent and empty are the same.
type notice map[string]string

// events translates a verified form into its one event. A notice that is not about a trade's status has none. The
// event's payment may not be a usable id.
func (p *Provider) events(f form) ([]callback.Event, *callback.Refusal) {
	toUTF8, ok := charset(f.get("charset"))
	if !ok {
		return nil, callback.Reject("charset is none of utf-8, gbk, gb2312 and gb18030")
	}
	n := make(notice, len(fields))
	for _, name := range fields {
		if n[name], ok = toUTF8(f.get(name)); !ok {
			return nil, callback.Reject(name + " is not text in the notice's charset")
		}
	}
	if !n.aboutTrade() {
		return nil, nil
	}
	payment, ok := toUTF8(f.get(p.payment))
	if !ok {
		payment = "" // what is not text is no usable payment id, and not another one either
	}
	outcome, refusal := n.outcome()
	if refusal != nil {
		return nil, refusal
	}
	e := callback.Event{Type: n["trade_status"], Event: outcome}
	e.Payment = payment
	e.Currency = "CNY"
	e.TransactionID = callback.Printable(n["trade_no"])
	e.ProviderStatus = n["trade_status"]
	if e.ID = n["notify_id"]; e.ID == "" {
		e.ID = strings.Join([]string{n["trade_no"], n["trade_status"], n["refund_fee"]}, ":")
		e.Derived = true
	}
	return []callback.Event{e}, nil
}

// aboutTrade reports whether the notice is one of a payment's, with a status that is known. Alipay posts other things
// to the same URL, and the parameters of the browser's return are signed alike but have no trade_status.
func (n notice) aboutTrade() bool {
	switch n["trade_status"] {
	case waiting, success, finished, closed:
		return n["notify_type"] == "" || n["notify_type"] == "trade_status_sync"
	}
	return false
}

// outcome returns what the notice says about the payment.
//
// refund_fee is the total refunded so far. With a refund, TRADE_SUCCESS and TRADE_FINISHED tell a partial one and
// TRADE_CLOSED a full one. Without, the former two are paid, and TRADE_CLOSED was never paid and never can be.
func (n notice) outcome() (relay.Event, *callback.Refusal) {
	total, ok := n.amount("total_amount")
	if !ok {
		return relay.Event{}, callback.Reject("total_amount is not a decimal amount")
	}
	refund, ok := n.amount("refund_fee")
	if !ok {
		return relay.Event{}, callback.Reject("refund_fee is not a decimal amount")
	}
	refunded := refund.Cmp("0") > 0 || n["gmt_refund"] != ""

	switch status := n["trade_status"]; {
	case status == waiting:
		return relay.Event{Status: relay.Pending, Amount: total, Time: n.time("gmt_create")}, nil
	case refunded:
		if refund.Cmp("0") == 0 {
			refund = "" // there is a refund, but how much is not told
		}
		return relay.Event{
			Status:     relay.Refunded,
			Final:      true,
			Amount:     refund,
			Cumulative: true,
			RefundID:   cmp.Or(n["out_biz_no"], n["out_request_no"]),
			Time:       n.time("gmt_refund"),
		}, nil
	case status == closed:
		return relay.Event{Status: relay.Closed, Final: true, Amount: total, Time: n.time("gmt_close")}, nil
	default:
		return relay.Event{Status: relay.Paid, Final: true, Amount: total, Time: n.time("gmt_payment")}, nil
	}
}

// amount returns decimal yuan, empty if the notice has none. It is not ok if it is no amount or negative.
func (n notice) amount(name string) (a relay.Amount, ok bool) {
	text := n[name]
	if text == "" {
		return "", true
	}
	a, err := relay.ParseAmount(text)
	return a, err == nil && !strings.HasPrefix(text, "-")
}

// time returns the time in the named field, with or without a fraction, or else the notice's, or else zero.
func (n notice) time(name string) time.Time {
	for _, text := range []string{n[name], n["notify_time"]} {
		t, err := time.ParseInLocation(time.DateTime, text, beijing) // takes a fraction as well
		if err == nil && t.Year() > 1 {                              // the year 0 has no JSON form in UTC
			return t.UTC()
		}
	}
	return time.Time{}
}

// charset returns the conversion to UTF-8 from the encoding that a notice names. It is not ok if it is unknown; the
// conversion is not ok for text that is not in the encoding. What it returns is a copy, because an event must not hold
// on to the whole body.
func charset(name string) (toUTF8 func(string) (string, bool), ok bool) {
	var from encoding.Encoding
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8":
		return func(s string) (string, bool) { return strings.Clone(s), utf8.ValidString(s) }, true
	case "gbk", "gb2312":
		from = simplifiedchinese.GBK
	case "gb18030":
		from = simplifiedchinese.GB18030
	default:
		return nil, false
	}
	return func(s string) (string, bool) {
		// The decoder writes U+FFFD for what it cannot read and has no other error.
		text, err := from.NewDecoder().String(s)
		return text, err == nil && !strings.ContainsRune(text, utf8.RuneError)
	}, true
}
