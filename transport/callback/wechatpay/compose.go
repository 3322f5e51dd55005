package wechatpay

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// beijing is the zone of WeChat Pay's times.
var beijing = time.FixedZone("", 8*60*60)

// compose turns n into the message that WeChat Pay would send at the time at.
func (s *Signer) compose(n callback.Notification, at time.Time) (message, error) {
	n = plausible(n, at)
	m := message{id: n.ID, original: "transaction", created: n.Time}
	var state string
	switch n.Status {
	case relay.Paid:
		m.eventType, m.summary, state = "TRANSACTION.SUCCESS", "支付成功", "SUCCESS"
	case relay.Failed:
		m.eventType, m.summary, state = "TRANSACTION.FAIL", "支付失败", "PAYERROR"
	case relay.Refunded:
		m.eventType, m.summary, state = "REFUND.SUCCESS", "退款成功", "SUCCESS"
	case relay.RefundFailed:
		m.eventType, m.summary, state = "REFUND.ABNORMAL", "退款异常", "ABNORMAL"
	default:
		return message{}, fmt.Errorf("WeChat Pay has no callback for %q, only for paid, failed, refunded and refund_failed", n.Status)
	}
	minor, err := minorAmount(n)
	if err != nil {
		return message{}, err
	}
	m.content = map[string]any{
		"mchid":          s.options.MchID.First("1900000001"),
		"out_trade_no":   n.Payment,
		"transaction_id": n.TransactionID,
	}
	if n.Status == relay.Paid || n.Status == relay.Refunded {
		m.content["success_time"] = n.Time.In(beijing).Format(time.RFC3339)
	}
	if kinds[m.eventType].refund() {
		m.original = "refund"
		m.content["out_refund_no"] = "refund-" + n.ID
		m.content["refund_status"] = state
		m.content["amount"] = refundAmount(minor, n.Currency)
	} else {
		m.content["appid"] = s.options.AppID.First("wx0000000000000001")
		m.content["trade_state"] = state
		m.content["amount"] = map[string]any{"total": minor, "payer_total": minor, "currency": n.Currency}
	}
	return m, s.place(m.content, n.Payment)
}

// refundAmount names a currency only if it is a foreign one, as WeChat Pay does.
func refundAmount(minor json.Number, currency string) map[string]any {
	amount := map[string]any{"total": minor, "refund": minor, "payer_total": minor, "payer_refund": minor}
	if currency != "CNY" {
		amount["currency"] = currency
	}
	return amount
}

func (s *Signer) combine(orders []callback.Notification, at time.Time) (message, error) {
	if len(orders) == 0 {
		return message{}, errors.New("a combined payment has at least one order")
	}
	var sub []any
	var m message
	for i, n := range orders {
		n = plausible(n, at)
		if n.Status != relay.Paid {
			return message{}, fmt.Errorf("a combined payment is paid, not %q", n.Status)
		}
		minor, err := minorAmount(n)
		if err != nil {
			return message{}, err
		}
		order := map[string]any{
			"mchid":          s.options.MchID.First("1900000001"),
			"out_trade_no":   n.Payment,
			"transaction_id": n.TransactionID,
			"trade_state":    "SUCCESS",
			"success_time":   n.Time.In(beijing).Format(time.RFC3339),
			"amount":         map[string]any{"total_amount": minor, "payer_amount": minor, "currency": n.Currency},
		}
		if err := s.place(order, n.Payment); err != nil {
			return message{}, err
		}
		sub = append(sub, order)
		if i == 0 {
			m = message{id: n.ID, eventType: "TRANSACTION.SUCCESS", original: "transaction", summary: "支付成功", created: n.Time}
		}
	}
	m.content = map[string]any{
		"combine_mchid":        s.options.MchID.First("1900000001"),
		"combine_appid":        s.options.AppID.First("wx0000000000000001"),
		"combine_out_trade_no": "combined-" + m.id,
		"sub_orders":           sub,
	}
	return m, nil
}

// plausible fills in what n leaves open.
func plausible(n callback.Notification, at time.Time) callback.Notification {
	n = n.Filled(About.Currency, at)
	n.Status = cmp.Or(n.Status, relay.Paid)
	n.ID = cmp.Or(n.ID, "EV-"+rand.Text())
	n.TransactionID = cmp.Or(n.TransactionID, "4200"+callback.Digits(n.Payment, 24))
	return n
}

func minorAmount(n callback.Notification) (json.Number, error) {
	minor, err := money.ToMinor(n.Amount, n.Currency)
	if err == nil && strings.HasPrefix(minor, "-") {
		err = fmt.Errorf("amount %s is negative", n.Amount)
	}
	return json.Number(minor), err
}

// place writes the payment where fields.payment has it read from, so that what is signed reads back the same.
func (s *Signer) place(content map[string]any, payment string) error {
	return callback.Place(content, cmp.Or(s.options.Fields.Payment, "out_trade_no"), payment)
}
