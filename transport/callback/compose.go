package callback

import (
	"cmp"
	"crypto/sha512"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What follows is for Signers.

// Filled returns n with plausible values in place of those that are missing, but for the status, which has to be said, and
// the ids, which are the provider's: an order of 129.00 in the currency, at the time at.
func (n Notification) Filled(currency string, at time.Time) Notification {
	n.Payment = cmp.Or(n.Payment, "order-1001")
	n.Amount = cmp.Or(n.Amount, "129.00")
	n.Currency = cmp.Or(n.Currency, currency)
	if n.Time.IsZero() {
		n.Time = at
	}
	return n
}

// NewPost returns the POST of body, without a host.
func NewPost(h http.Header, body []byte) Request {
	return Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: h, Body: body}
}

// Place writes value into object where the gjson path has it read from: names and indexes of arrays parted by points,
// without the rest of what gjson knows. Objects on the way are made, also in place of an empty array, which is how some
// write an object without members. A path of another kind, or through what is neither object nor array, is an error.
func Place(object map[string]any, path string, value any) error {
	_, err := place(object, strings.Split(path, "."), path, value)
	return err
}

// place returns what in becomes with value at the rest of the path. It changes nothing if there is an error.
func place(in any, rest []string, path string, value any) (any, error) {
	if len(rest) == 0 {
		return value, nil
	}
	name := rest[0]
	if name == "" || strings.ContainsAny(name, `*?|#@\!{}[]()=<>%":,~`) {
		return nil, fmt.Errorf("fields: cannot write to the path %q: only names parted by points can be signed for", path)
	}
	if list, ok := in.([]any); in == nil || ok && len(list) == 0 {
		in = make(map[string]any)
	}
	switch in := in.(type) {
	case map[string]any:
		inner, err := place(in[name], rest[1:], path, value)
		if err != nil {
			return nil, err
		}
		in[name] = inner
		return in, nil
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(in) {
			return nil, fmt.Errorf("fields: the path %q leads past an array", path)
		}
		inner, err := place(in[i], rest[1:], path, value)
		if err != nil {
			return nil, err
		}
		in[i] = inner
		return in, nil
	default:
		return nil, fmt.Errorf("fields: the path %q leads through another field", path)
	}
}

// Digits returns n decimal digits that follow from seed, for ids that look like the provider's. They name things and
// protect nothing. There are 64 at most.
func Digits(seed string, n int) string {
	sum := sha512.Sum512([]byte(seed))
	for i, b := range sum {
		sum[i] = '0' + b%10
	}
	return string(sum[:n])
}
