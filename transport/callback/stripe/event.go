package stripe

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// read returns the event of a body whose signature held. It is not ok if the body is not about a payment's status.
// The event's payment may not be a usable id.
func read(body []byte, paymentPath string, accounts callback.List) (e callback.Event, ok bool, _ *callback.Refusal) {
	root, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return e, false, refusal
	}
	if callback.Text(root.Get("object")) != "event" {
		return e, false, nil // a thin event, which only says that something is to be fetched
	}
	if account := callback.Text(root.Get("account")); account != "" && !slices.Contains(accounts, account) {
		return e, false, callback.Refuse(callback.WrongAccount, "the event is of a connected account; list it in account to accept it")
	}
	e.ID, e.Type = callback.Printable(callback.Text(root.Get("id"))), callback.Printable(callback.Text(root.Get("type")))
	if e.ID == "" || e.Type == "" {
		return e, false, callback.Reject("the event has no id or no type")
	}
	object := root.Get("data.object")
	s, about := statementOf(e.Type, object)
	if !about {
		return e, false, nil
	}
	if !object.IsObject() {
		return e, false, callback.Reject("the event has no data.object")
	}
	e.Payment = paymentOf(root, object, paymentPath)
	e.Status = s.status
	e.Final = final(e.Status) || s.ends && e.Payment == callback.Text(object.Get("id"))
	e.ProviderStatus = callback.Printable(callback.Text(object.Get(s.word)))
	e.TransactionID = callback.Printable(callback.FirstText(object, "payment_intent", "charge", "id"))
	e.RefundID = s.refund
	e.Cumulative = s.cumulative
	if created, refusal := callback.Timestamp(callback.Text(root.Get("created"))); refusal == nil {
		e.Time = created.UTC()
	}
	if e.Currency, refusal = currencyOf(object); refusal != nil {
		return e, false, refusal
	}
	e.Amount, refusal = amountOf(object, s.amount, e.Currency)
	return e, refusal == nil, refusal
}

func final(s relay.Status) bool {
	return s == relay.Paid || s == relay.Refunded || s == relay.RefundFailed
}

// paymentOf returns the merchant's id of the payment. A refund has an id of its own, which is nobody's payment: what
// is left there is its charge, as for the charge itself.
func paymentOf(root, object gjson.Result, path string) string {
	if path != "" {
		return callback.Text(root.Get(path))
	}
	return callback.FirstText(object, "metadata.order_id", "client_reference_id", "payment_intent", "charge", "id")
}

func currencyOf(object gjson.Result) (string, *callback.Refusal) {
	code := strings.ToUpper(callback.Text(object.Get("currency")))
	if code == "" {
		return "", nil
	}
	if len(code) != 3 || strings.ContainsFunc(code, func(c rune) bool { return c < 'A' || c > 'Z' }) {
		return "", callback.Reject("the currency is not a code of three letters")
	}
	return code, nil
}

func amountOf(object gjson.Result, path, currency string) (relay.Amount, *callback.Refusal) {
	r := object.Get(path)
	if !r.Exists() || r.Type == gjson.Null {
		return "", nil
	}
	minor := callback.Text(r)
	a, err := units.Major(minor, currency)
	if err != nil || r.Type != gjson.Number || strings.HasPrefix(minor, "-") {
		return "", callback.Reject(path + " is not an integer of minor units")
	}
	return a, nil
}
