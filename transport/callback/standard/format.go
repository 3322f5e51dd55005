package standard

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Where a body has what no setting names.
const (
	typePath        = "type"
	timePath        = "timestamp"
	transactionPath = "data.payment_id"
)

// What the paths of a format lead to.
const (
	atStatus = iota
	atPayment
	atAmount
	atCurrency
	atType
	atTime
	atTransaction
	places
)

// format is how one sender writes bodies.
type format struct {
	fields   callback.Fields
	paths    paths // indexed by the constants above
	major    bool
	statuses map[string]relay.Status
	final    map[relay.Status]bool
}

func readFormat(o Options) (format, error) {
	f := format{
		fields: callback.Fields{
			Payment:  cmp.Or(o.Fields.Payment, "data.order_id"),
			Status:   cmp.Or(o.Fields.Status, typePath),
			Amount:   cmp.Or(o.Fields.Amount, "data.amount"),
			Currency: cmp.Or(o.Fields.Currency, "data.currency"),
		},
		statuses: make(map[string]relay.Status),
		final:    map[relay.Status]bool{relay.Paid: true, relay.Refunded: true, relay.RefundFailed: true},
	}
	f.paths = newPaths(f.fields.Status, f.fields.Payment, f.fields.Amount, f.fields.Currency, typePath, timePath,
		transactionPath)
	switch o.AmountUnit {
	case "", "minor":
	case "major":
		f.major = true
	default:
		return f, fmt.Errorf("amount_unit is %q: it must be minor or major", o.AmountUnit)
	}
	for word, status := range o.Statuses {
		if !relay.Status(status).Valid() {
			return f, fmt.Errorf("statuses: %q is %q: it must be one of pending, failed, closed, paid, refunded, "+
				"refund_failed", word, status)
		}
		f.statuses[word] = relay.Status(status)
	}
	if o.Statuses == nil {
		f.statuses["payment.succeeded"] = relay.Paid
		for _, s := range []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded,
			relay.RefundFailed} {
			f.statuses["payment."+string(s)] = s
		}
	}
	if o.Final == nil {
		f.final[relay.Closed] = true
	}
	for _, s := range o.Final {
		switch status := relay.Status(s); {
		case status == relay.Pending:
			return f, errors.New("final: pending cannot be final")
		case !status.Valid():
			return f, fmt.Errorf("final: %q is not one of failed, closed, paid, refunded, refund_failed", s)
		default:
			f.final[status] = true
		}
	}
	return f, nil
}

// read returns the event of a body whose signature held, but for its id. Its status is empty if the body is not about
// a payment's, and its payment may not be a usable id.
func (f *format) read(body []byte) (callback.Event, *callback.Refusal) {
	var e callback.Event
	root, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return e, refusal
	}
	var found [places]gjson.Result
	f.paths.find(root, found[:])
	word := callback.Text(found[atStatus])
	status, ok := f.statuses[word]
	if !ok {
		return e, nil
	}
	e.Payment = callback.Text(found[atPayment])
	e.Status = status
	e.ProviderStatus = callback.Printable(word)
	e.Type = e.ProviderStatus
	if f.fields.Status != typePath {
		e.Type = cmp.Or(callback.Printable(callback.Text(found[atType])), e.Type)
	}
	e.Final = f.final[status]
	e.Time = timeOf(found[atTime])
	e.TransactionID = callback.Printable(callback.Text(found[atTransaction]))
	if e.Currency, refusal = f.currency(found[atCurrency]); refusal != nil {
		return e, refusal
	}
	e.Amount, refusal = f.amount(found[atAmount], e.Currency)
	return e, refusal
}

// maxCurrency leaves room for the codes of tokens, which are longer than those of ISO 4217.
const maxCurrency = 12

func (f *format) currency(r gjson.Result) (string, *callback.Refusal) {
	if !r.Exists() || r.Type == gjson.Null {
		return "", nil
	}
	code := strings.ToUpper(callback.Text(r))
	other := func(c rune) bool { return (c < 'A' || c > 'Z') && (c < '0' || c > '9') }
	if code == "" || len(code) > maxCurrency || strings.ContainsFunc(code, other) {
		return "", callback.Reject("the currency at " + f.fields.Currency + " is not a code such as EUR")
	}
	return code, nil
}

func (f *format) amount(r gjson.Result, currency string) (relay.Amount, *callback.Refusal) {
	if !r.Exists() || r.Type == gjson.Null {
		return "", nil
	}
	var a relay.Amount
	var err error
	number := callback.Text(r)
	if f.major {
		a, err = relay.ParseAmount(number)
	} else {
		a, err = money.FromMinor(number, currency)
	}
	if err != nil || strings.HasPrefix(number, "-") {
		want := "an integer of minor units (amount_unit: minor)"
		if f.major {
			want = "a decimal number (amount_unit: major)"
		}
		return "", callback.Reject("the amount at " + f.fields.Amount + " is not " + want)
	}
	return a, nil
}

// timeOf returns the event's time in UTC. Without a zone it is not known which time that is.
func timeOf(r gjson.Result) time.Time {
	if r.Str == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, r.Str)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
