package wechatpay

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// kind is what an event_type says, if the content's own state agrees.
type kind struct {
	status relay.Status
	state  string // of the content; empty for any but success
}

// kinds are the event types about a payment's status. WeChat Pay does not call back about orders that wait or expire
// unpaid; all other types (PAYSCORE.…, ENTRUST.…, SECURITY_ECHO.…, …) are about something else.
var kinds = map[string]kind{
	"TRANSACTION.SUCCESS": {relay.Paid, "SUCCESS"},
	"TRANSACTION.FAIL":    {relay.Failed, ""},
	"REFUND.SUCCESS":      {relay.Refunded, "SUCCESS"},
	"REFUND.ABNORMAL":     {relay.RefundFailed, "ABNORMAL"},
	"REFUND.CLOSED":       {relay.RefundFailed, "CLOSED"},
}

func (k kind) refund() bool { return k.status == relay.Refunded || k.status == relay.RefundFailed }

// agrees reports whether the content is in the state that the event type tells. Without any state it is no payment or
// refund at all: profit sharing is notified as TRANSACTION.SUCCESS, too.
func (k kind) agrees(state string) bool {
	if k.state != "" {
		return state == k.state
	}
	// REFUND is the trade_state of what was paid and refunded since.
	return state != "" && state != "SUCCESS" && state != "REFUND"
}

// final reports whether the outcome is settled. A failed deduction is not: the merchant may try again under the same
// out_trade_no.
func (k kind) final() bool { return k.status != relay.Failed }

// translate makes an event of each order that is in the state the event type tells.
func (p *Provider) translate(envelope gjson.Result, k kind, orders []gjson.Result) ([]callback.Event, *callback.Refusal) {
	id := callback.Text(envelope.Get("id"))
	if id == "" {
		return nil, callback.Reject("the body has no id")
	}
	var events []callback.Event
	for _, order := range orders {
		state := callback.Text(order.Get("trade_state"))
		if k.refund() {
			state = callback.Text(order.Get("refund_status"))
		}
		payment := callback.Text(order.Get(p.payment))
		if !k.agrees(state) {
			continue
		}
		amount, currency, refusal := k.amount(order.Get("amount"))
		if refusal != nil {
			return nil, refusal
		}
		e := callback.Event{
			Shared: len(orders) > 1,
			Type:   callback.Text(envelope.Get("event_type")),
			Event: relay.Event{
				ID:             id,
				Payment:        payment,
				Status:         k.status,
				Final:          k.final(),
				Time:           happened(order.Get("success_time"), envelope.Get("create_time")),
				Amount:         amount,
				Currency:       currency,
				TransactionID:  callback.Printable(callback.Text(order.Get("transaction_id"))),
				ProviderStatus: callback.Printable(state),
			},
		}
		if k.refund() {
			e.RefundID = callback.Text(order.Get("out_refund_no"))
		}
		events = append(events, e)
	}
	return events, nil
}

// amount reads the order's or the refund's amount, an integer of minor units: never what the payer paid or got back
// (payer_total, payer_refund), which coupons make smaller. Refunds name no currency unless it is a foreign one.
func (k kind) amount(amount gjson.Result) (relay.Amount, string, *callback.Refusal) {
	currency := strings.ToUpper(callback.Text(amount.Get("currency")))
	if currency == "" {
		currency = "CNY"
	}
	minor := amount.Get("total")
	if k.refund() {
		minor = amount.Get("refund")
	} else if !minor.Exists() {
		minor = amount.Get("total_amount") // of a combined payment's order
	}
	switch minor.Type {
	case gjson.Null:
		return "", currency, nil
	case gjson.Number:
		major, err := money.FromMinor(minor.Raw, currency)
		if err == nil && !strings.HasPrefix(minor.Raw, "-") {
			return relay.Amount(strings.Clone(string(major))), currency, nil
		}
	}
	return "", "", callback.Reject("an amount is not a natural number")
}

// happened returns the first of the times that is RFC 3339, in UTC. A refund that failed has an empty success_time.
func happened(times ...gjson.Result) time.Time {
	for _, r := range times {
		if t, err := time.Parse(time.RFC3339, callback.Text(r)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
