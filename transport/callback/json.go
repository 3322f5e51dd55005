package callback

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/money"
)

// ParseObject returns the JSON object that data is, or rejects it: data must be genuine already. What names it in the
// refusal, as in "the body".
func ParseObject(data []byte, what string) (gjson.Result, *Refusal) {
	if !json.Valid(data) { // gjson expects valid JSON, and this bounds the depth
		return gjson.Result{}, Reject(what + " is not JSON")
	}
	object := gjson.ParseBytes(data)
	if !object.IsObject() {
		return gjson.Result{}, Reject(what + " is not a JSON object")
	}
	return object, nil
}

// Text returns a JSON string, or a number as it is written: ids and amounts never pass through a float. Anything else
// is empty. It is a copy, because what outlives the call must not hold on to the whole body.
func Text(r gjson.Result) string {
	switch r.Type {
	case gjson.String:
		return strings.Clone(r.Str)
	case gjson.Number:
		return strings.Clone(r.Raw)
	default:
		return ""
	}
}

// FirstText returns the Text of the first of the object's members at the paths that has one.
func FirstText(object gjson.Result, paths ...string) string {
	for _, path := range paths {
		if s := Text(object.Get(path)); s != "" {
			return s
		}
	}
	return ""
}

// Printable returns s, or nothing if it is not what a waiter may be shown, which is ruled as for payment ids
// (relay.CheckPayment).
func Printable(s string) string {
	if relay.CheckPayment(s) != nil {
		return ""
	}
	return s
}

// maxCurrency leaves room for the codes of tokens, which are longer than those of ISO 4217.
const maxCurrency = 12

// Currency returns the code at the path in upper case, and nothing if there is none. What is no code is rejected.
func Currency(r gjson.Result, path string) (string, *Refusal) {
	if !r.Exists() || r.Type == gjson.Null {
		return "", nil
	}
	code := strings.ToUpper(Text(r))
	other := func(c rune) bool { return (c < 'A' || c > 'Z') && (c < '0' || c > '9') }
	if code == "" || len(code) > maxCurrency || strings.ContainsFunc(code, other) {
		return "", Reject("the currency at " + path + " is not a code such as EUR")
	}
	return code, nil
}

// MajorAmount returns the decimal number at the path, and nothing if there is none. What is no amount is rejected.
func MajorAmount(r gjson.Result, path string) (relay.Amount, *Refusal) {
	if !r.Exists() || r.Type == gjson.Null {
		return "", nil
	}
	number := Text(r)
	a, err := relay.ParseAmount(number)
	if err != nil || strings.HasPrefix(number, "-") {
		return "", Reject("the amount at " + path + " is not a decimal number")
	}
	return a, nil
}

// MinorAmount returns the integer of minor units at the path in major units, and nothing if there is none or the currency
// is unknown. What is no such integer is rejected.
func MinorAmount(r gjson.Result, path, currency string, units money.Units) (relay.Amount, *Refusal) {
	if !r.Exists() || r.Type == gjson.Null {
		return "", nil
	}
	number := Text(r)
	a, err := units.Major(number, currency)
	if err != nil || strings.HasPrefix(number, "-") {
		return "", Reject("the amount at " + path + " is not an integer of minor units")
	}
	return a, nil
}

// Instant returns a time with a zone (RFC 3339) in UTC. Of one without a zone it is not known which time that is: it is
// zero, as is anything else.
func Instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
