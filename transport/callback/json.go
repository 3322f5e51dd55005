package callback

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/relay"
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

// Printable returns s, or nothing if it is not what a waiter may be shown, which is ruled as for payment ids
// (relay.CheckPayment).
func Printable(s string) string {
	if relay.CheckPayment(s) != nil {
		return ""
	}
	return s
}
