package scheme

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Reading declares what the callbacks of all kinds have in common. Paths are gjson paths from the root of the body:
// names, and indexes of arrays, parted by points.
type Reading struct {
	// ID is the provider's id of the event.
	ID Field
	// Derived says that the provider gives no id of the event, or one that repeats over its states (callback.Event), or
	// one that is not signed, so that the same id may come with another state.
	Derived bool
	// Type is the provider's name of the kind of event, TypePrefix what is put in front of it.
	Type       Field
	TypePrefix string
	// TypeEcho is a header that repeats the type. It is not signed: a callback in which it differs is malformed.
	TypeEcho string
	// Time is when it happened: RFC 3339 with a zone, or Unix seconds.
	Time Field
	// Account names the merchant's account, for Settings.Account.
	Account Field
	// Decimals has the currencies whose minor units are not those of ISO 4217.
	Decimals money.Units
	// Headers are the other headers that callbacks have, with an example of each. Those that a Field names are among them.
	Headers map[string]string
}

// Field is where a callback has a text. The zero value is nowhere.
type Field struct {
	header string
	path   string
	any    []Field // the first of them that there is
	joined []Field // all of them
}

// In is a header. It is part of what was proven only as far as the MAC covers it.
func In(header string) Field { return Field{header: header} }

// At is the first of the paths at which there is something.
func At(paths ...string) Field {
	if len(paths) == 1 {
		return Field{path: paths[0]}
	}
	var f Field
	for _, p := range paths {
		f.any = append(f.any, Field{path: p})
	}
	return f
}

// First is the first of the fields that there is.
func First(fields ...Field) Field { return Field{any: fields} }

// Joined is all of the fields with colons between, if there are all.
func Joined(fields ...Field) Field { return Field{joined: fields} }

// Text returns the field, empty if there is none.
func (f Field) Text(h http.Header, root gjson.Result) string {
	switch {
	case f.header != "":
		return h.Get(f.header)
	case f.path != "":
		return callback.Text(root.Get(f.path))
	}
	for _, one := range f.any {
		if s := one.Text(h, root); s != "" {
			return s
		}
	}
	var all []string
	for _, one := range f.joined {
		s := one.Text(h, root)
		if s == "" {
			return ""
		}
		all = append(all, s)
	}
	return strings.Join(all, ":")
}

// inHeader reports whether the field may be in a header.
func (f Field) inHeader() bool {
	return f.header != "" || slices.ContainsFunc(f.any, Field.inHeader) || slices.ContainsFunc(f.joined, Field.inHeader)
}

// written returns the field that a Signer writes for f: the first of several, and none for what is joined, which follows
// from its parts.
func (f Field) written() Field {
	for len(f.any) > 0 {
		f = f.any[0]
	}
	return Field{header: f.header, path: f.path}
}

// Kind declares callbacks that are laid out alike.
type Kind struct {
	// Types are the provider's names of the kind, and what they say. A Meaning without a Status leaves it to Words.
	Types []Meaning
	// If is what else a body must say to be of this kind.
	If Condition
	// Word is the path of the provider's word for the status, Words what it says where the type does not. A word that is
	// not among them is not about a payment's status.
	Word  string
	Words []Meaning
	// Payment is the merchant's id of the payment: what there is at the first of the paths that has something.
	Payment []string
	// Transaction is the path of the provider's id of the payment, Refund that of a refund's.
	Transaction, Refund string
	// Amount is the path of the amount, an integer of minor units unless Major; Currency that of its code.
	Amount, Currency string
	Major            bool
	// Cumulative says that a refund's amount is the total so far.
	Cumulative bool
	// Read changes the event, for what cannot be declared. An event whose status it takes away is not told.
	Read func(root gjson.Result, e *callback.Event) *callback.Refusal
	// Example is a body as the provider sends it.
	Example string
}

// Condition holds if there is the word at the path, or anything if the word is empty. The zero value always holds.
type Condition struct{ Path, Word string }

func (c Condition) holds(root gjson.Result) bool {
	if c.Path == "" {
		return true
	}
	word := callback.Text(root.Get(c.Path))
	return word != "" && (c.Word == "" || c.Word == word)
}

// Meaning is one of the provider's words and what it says.
type Meaning struct {
	Name   string
	Status relay.Status
	// Word is the word for the status that comes with this type, for the Signer; empty is the Example's.
	Word string
	// Ends says that what is known by the Transaction's id can never be paid afterwards. The payment cannot either if it is
	// known by that id; an order that the merchant numbers may be paid through another.
	Ends bool
}

func meaningOf(list []Meaning, name string) (Meaning, bool) {
	i := slices.IndexFunc(list, func(m Meaning) bool { return m.Name == name })
	if i < 0 {
		return Meaning{}, false
	}
	return list[i], true
}

// format reads and writes the bodies of one source.
type format struct {
	Reading
	kinds   []Kind
	payment string // instead of a Kind's
	account callback.List
}

// read returns the event of a call that is proven. It is not ok if the call is not about a payment's status, and the
// payment may not be a usable id.
func (f *format) read(r callback.Request) (e callback.Event, ok bool, _ *callback.Refusal) {
	if len(f.kinds) == 0 {
		return e, false, nil
	}
	root, refusal := callback.ParseObject(r.Body, "the body")
	if refusal != nil {
		return e, false, refusal
	}
	if !f.account.Allows(f.Account.Text(r.Header, root)) {
		return e, false, callback.Refuse(callback.WrongAccount, "the callback is about an account that is not configured")
	}
	name := f.Type.Text(r.Header, root)
	if echo := r.Header.Get(f.TypeEcho); f.TypeEcho != "" && echo != "" && echo != name {
		return e, false, callback.Reject(f.TypeEcho + " names another event than the body")
	}
	kind, m, ok := f.kind(name, root)
	if !ok {
		return e, false, nil
	}
	e.Type = f.TypePrefix + callback.Printable(name)
	e.ID = callback.Printable(f.ID.Text(r.Header, root))
	if e.ID == "" {
		return e, false, callback.Reject("the event has no id")
	}
	e.Derived, e.Time = f.Derived, timeOf(f.Time.Text(r.Header, root))
	refusal = f.fill(&e, kind, m, root)
	return e, refusal == nil && e.Status != "", refusal
}

// kind returns the kind of a type and what it says of the status.
func (f *format) kind(name string, root gjson.Result) (*Kind, Meaning, bool) {
	for i := range f.kinds {
		k := &f.kinds[i]
		m, ok := meaningOf(k.Types, name)
		if !ok || !k.If.holds(root) {
			continue
		}
		if m.Status == "" {
			m, ok = meaningOf(k.Words, callback.Text(root.Get(k.Word)))
		}
		return k, m, ok && m.Status != ""
	}
	return nil, Meaning{}, false
}

// fill fills in what the kind declares.
func (f *format) fill(e *callback.Event, k *Kind, m Meaning, root gjson.Result) (refusal *callback.Refusal) {
	at := k.Payment
	if f.payment != "" {
		at = []string{f.payment}
	}
	e.Payment = At(at...).Text(nil, root)
	e.TransactionID = k.printable(root, k.Transaction)
	e.RefundID = k.printable(root, k.Refund)
	e.ProviderStatus = k.printable(root, k.Word)
	e.Status = m.Status
	switch e.Status {
	case relay.Paid, relay.Refunded, relay.RefundFailed:
		e.Final = true
	default:
		e.Final = m.Ends && e.Payment != "" && e.Payment == e.TransactionID
	}
	e.Cumulative = k.Cumulative
	if e.Currency, refusal = callback.Currency(root.Get(k.Currency), k.Currency); refusal != nil {
		return refusal
	}
	if e.Amount, refusal = f.amount(k, root, e.Currency); refusal != nil {
		return refusal
	}
	if k.Read != nil {
		return k.Read(root, e)
	}
	return nil
}

func (k *Kind) printable(root gjson.Result, path string) string {
	if path == "" {
		return ""
	}
	return callback.Printable(callback.Text(root.Get(path)))
}

// timeOf returns the event's time in UTC, zero if it is not given with a zone.
func timeOf(text string) time.Time {
	if t := callback.Instant(text); !t.IsZero() || text == "" {
		return t
	}
	t, refusal := callback.Timestamp(text)
	if refusal != nil {
		return time.Time{}
	}
	return t.UTC()
}
