package wechatpayv2

import (
	"cmp"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

const outTradeNo = "out_trade_no"

// beijing is the zone of all times of WeChat Pay (标准北京时间, chapter 4_2 of the documentation). Notices name no zone.
// China has no daylight saving time.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// The layouts of time_end and of success_time.
const (
	compactTime = "20060102150405"
	refundTime  = time.DateTime
)

// paymentEvent translates a signed notice. It is paid if both codes are SUCCESS: return_code alone says that the notice
// is one. Everything that is signed with the same key looks alike, also what is shown to payers (the QR codes of native
// payment, the parameters that a page opens the wallet with) and the notices of contracts; none of it has both codes and
// an amount. Where there is a trade_state, as of deductions (委托代扣), it counts as well.
func (p *Provider) paymentEvent(n notice) (e callback.Event, ok bool, _ *callback.Refusal) {
	if n["return_code"] != "SUCCESS" || n["total_fee"] == "" {
		return e, false, nil
	}
	var status relay.Status
	switch state, result := n["trade_state"], n["result_code"]; {
	case result == "SUCCESS" && (state == "" || state == "SUCCESS"):
		status = relay.Paid
	case result == "FAIL": // the payer may try again with the same out_trade_no
		status = relay.Failed
	default:
		return e, false, nil
	}
	transaction := callback.Printable(n["transaction_id"])
	if transaction == "" && status == relay.Paid {
		return e, false, callback.Reject("a paid notice has no transaction_id")
	}
	e = callback.Event{Type: "pay", Derived: true, Event: relay.Event{
		ID:             cmp.Or(transaction, callback.Printable(n[p.payment])),
		Payment:        n[p.payment],
		Status:         status,
		Final:          status == relay.Paid,
		Time:           instant(compactTime, n["time_end"]),
		TransactionID:  transaction,
		ProviderStatus: n["result_code"],
	}}
	if e.ID == "" {
		return e, false, callback.Reject("the notice has neither a transaction_id nor a payment id")
	}
	refusal := setAmount(&e, n["total_fee"], n["fee_type"])
	return e, refusal == nil, refusal
}

// refundEvent translates what was in req_info.
func (p *Provider) refundEvent(n notice) (e callback.Event, ok bool, _ *callback.Refusal) {
	var status relay.Status
	switch n["refund_status"] {
	case "SUCCESS":
		status = relay.Refunded
	case "CHANGE", "REFUNDCLOSE": // it did not reach the payer, or was called off; the order stays paid
		status = relay.RefundFailed
	default:
		return e, false, nil
	}
	id := callback.Printable(n["refund_id"])
	if id == "" {
		return e, false, callback.Reject("refund_id is no id")
	}
	e = callback.Event{Type: "refund", Derived: true, Event: relay.Event{
		ID:             id,
		Payment:        n[p.payment],
		Status:         status,
		Final:          true,
		Time:           instant(refundTime, n["success_time"]),
		TransactionID:  callback.Printable(n["transaction_id"]),
		ProviderStatus: n["refund_status"],
		RefundID:       id,
	}}
	refusal := setAmount(&e, n["refund_fee"], n["fee_type"])
	return e, refusal == nil, refusal
}

// setAmount reads an integer of minor units, of yuan where no currency is named.
func setAmount(e *callback.Event, minor, currency string) *callback.Refusal {
	e.Currency = cmp.Or(currency, "CNY")
	if len(e.Currency) != 3 || strings.ContainsFunc(e.Currency, func(c rune) bool { return c < 'A' || c > 'Z' }) {
		return callback.Reject("fee_type is not a code of three letters")
	}
	amount, err := money.FromMinor(minor, e.Currency)
	if err != nil || strings.HasPrefix(minor, "-") {
		return callback.Reject("the amount is not an integer of fen")
	}
	e.Amount = amount
	return nil
}

// instant returns a time of China's in UTC, and zero for what is none.
func instant(layout, text string) time.Time {
	t, err := time.ParseInLocation(layout, text, beijing)
	if err != nil || t.Year() <= 1 { // the year 0 has no JSON form in UTC
		return time.Time{}
	}
	return t.UTC()
}
