// Package format reads and writes JSON bodies as a source's settings say: for senders whose signature is known, and whose
// fields and words are the merchant's to name.
package format

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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

// Options say how one sender writes bodies. They stand inline in a source's.
type Options struct {
	// Fields are gjson paths from the root of the body. They default to data.order_id, type, data.amount and
	// data.currency, timestamp (RFC 3339 with a zone) and data.payment_id, each by itself.
	Fields callback.Fields `yaml:"fields,omitempty"`
	// AmountUnit is what amounts count in: "minor", which is the default, or "major".
	AmountUnit string `yaml:"amount_unit,omitempty"`
	// Statuses turns the sender's words into statuses. If given it replaces the default: payment.succeeded is paid,
	// and payment.<status> goes by name. A word that is not there is not about a payment's status.
	Statuses map[string]string `yaml:"statuses,omitempty"`
	// Final lists the statuses that are final. Paid, refunded and refund_failed always are, and pending cannot be. If
	// not given, closed is final as well.
	Final callback.List `yaml:"final,omitempty"`
}

// Format reads and writes bodies of one sender. It may be used from many goroutines.
type Format struct {
	fields   callback.Fields
	paths    paths // indexed by the constants above
	major    bool
	statuses map[string]relay.Status
	final    map[relay.Status]bool
}

// New checks o. The error names the setting to change.
func New(o Options) (*Format, error) {
	f := &Format{
		fields: callback.Fields{
			Payment:  cmp.Or(o.Fields.Payment, "data.order_id"),
			Status:   cmp.Or(o.Fields.Status, typePath),
			Amount:   cmp.Or(o.Fields.Amount, "data.amount"),
			Currency: cmp.Or(o.Fields.Currency, "data.currency"),

			Time:        cmp.Or(o.Fields.Time, timePath),
			Transaction: cmp.Or(o.Fields.Transaction, transactionPath),
		},
		statuses: make(map[string]relay.Status),
		final:    map[relay.Status]bool{relay.Paid: true, relay.Refunded: true, relay.RefundFailed: true},
	}
	f.paths = newPaths(f.fields.Status, f.fields.Payment, f.fields.Amount, f.fields.Currency, typePath, f.fields.Time,
		f.fields.Transaction)
	switch o.AmountUnit {
	case "", "minor":
	case "major":
		f.major = true
	default:
		return nil, fmt.Errorf("amount_unit is %q: it must be minor or major", o.AmountUnit)
	}
	for word, status := range o.Statuses {
		if !relay.Status(status).Valid() {
			return nil, fmt.Errorf("statuses: %q is %q: it must be one of pending, failed, closed, paid, refunded, "+
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
			return nil, errors.New("final: pending cannot be final")
		case !status.Valid():
			return nil, fmt.Errorf("final: %q is not one of failed, closed, paid, refunded, refund_failed", s)
		default:
			f.final[status] = true
		}
	}
	return f, nil
}

// Read returns the event of a body whose signature held, but for its id. Its status is empty if the body is not about
// a payment's, and its payment may not be a usable id.
func (f *Format) Read(body []byte) (callback.Event, *callback.Refusal) {
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
	e.Time = callback.Instant(found[atTime].Str)
	e.TransactionID = callback.Printable(callback.Text(found[atTransaction]))
	if e.Currency, refusal = callback.Currency(found[atCurrency], f.fields.Currency); refusal != nil {
		return e, refusal
	}
	if f.major {
		e.Amount, refusal = callback.MajorAmount(found[atAmount], f.fields.Amount)
	} else {
		e.Amount, refusal = callback.MinorAmount(found[atAmount], f.fields.Amount, e.Currency, nil)
	}
	return e, refusal
}

// Write returns the body that says n: the inverse of Read. A Time of n that is zero is at.
func (f *Format) Write(n callback.Notification, at time.Time) (map[string]any, error) {
	word, err := f.word(n.Status)
	if err != nil {
		return nil, err
	}
	currency := cmp.Or(n.Currency, "EUR")
	var amount any = cmp.Or(n.Amount, "129.00")
	if !f.major {
		minor, err := money.ToMinor(cmp.Or(n.Amount, "129.00"), currency)
		if err != nil {
			return nil, err
		}
		amount = json.Number(minor)
	}
	when := n.Time
	if when.IsZero() {
		when = at
	}
	payment := cmp.Or(n.Payment, "order-1001")
	root := make(map[string]any)
	for _, field := range []struct {
		path  string
		value any
	}{
		{typePath, "payment." + string(n.Status)}, // the status's own path overwrites it, mostly with the same
		{f.fields.Time, when.UTC().Format(time.RFC3339Nano)},
		{f.fields.Transaction, cmp.Or(n.TransactionID, "pay_"+payment)},
		{f.fields.Status, word},
		{f.fields.Amount, amount},
		{f.fields.Currency, currency},
		{f.fields.Payment, payment},
	} {
		if err := callback.Place(root, field.path, field.value); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// word returns the first of the sender's words for a status, in the order of the alphabet.
func (f *Format) word(status relay.Status) (string, error) {
	known := make(map[string]bool)
	for _, word := range slices.Sorted(maps.Keys(f.statuses)) {
		if f.statuses[word] == status {
			return word, nil
		}
		known[string(f.statuses[word])] = true
	}
	return "", fmt.Errorf("no word of statuses means %q; there are words for %s", status,
		strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}
