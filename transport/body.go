package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/money"
)

// maxMerchantBody bounds what a merchant sends: a handful of short members.
const maxMerchantBody = 64 << 10

// object is a JSON object whose members are read strictly.
type object map[string]json.RawMessage

// readObject reads the request's body as one JSON object with no other members than those named, each at most once. An
// empty body is an empty object.
func readObject(w http.ResponseWriter, r *http.Request, members ...string) (object, *Problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMerchantBody))
	if err != nil {
		p := bodyProblem(err, maxMerchantBody)
		return nil, &p
	}
	o, err := parseObject(body, members)
	if err != nil {
		p := NewProblem(http.StatusBadRequest, "bad_request", "body: "+err.Error())
		return nil, &p
	}
	return o, nil
}

// bodyProblem returns the answer to a body that could not be read.
func bodyProblem(err error, limit int64) Problem {
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return NewProblem(http.StatusRequestEntityTooLarge, "payload_too_large",
			fmt.Sprintf("the body is larger than %d bytes", limit))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return NewProblem(http.StatusRequestTimeout, "request_timeout", "the body took too long to arrive")
	}
	return NewProblem(http.StatusBadRequest, "bad_request", "the body did not arrive as announced")
}

func parseObject(body []byte, members []string) (object, error) {
	o := make(object)
	if len(bytes.TrimSpace(body)) == 0 {
		return o, nil
	}
	if !utf8.Valid(body) { // the decoder would replace what is not, and make two ids one
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, errors.New("not valid JSON")
		}
		name, ok := t.(string)
		if !ok {
			return nil, errors.New("not valid JSON")
		}
		if !slices.Contains(members, name) {
			return nil, fmt.Errorf("unknown member %.40q; known are %s", name, strings.Join(members, ", "))
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("member %q comes twice", name)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, errors.New("not valid JSON")
		}
		if string(raw) != "null" {
			o[name] = raw
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not valid JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	return o, nil
}

// text returns a member that must be a string if it is there.
func (o object) text(name string) (string, error) {
	raw, ok := o[name]
	if !ok {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("%s must be a string", name)
	}
	return s, nil
}

// boolean returns a member that must be true or false if it is there.
func (o object) boolean(name string) (value, ok bool, err error) {
	raw, ok := o[name]
	if !ok {
		return false, false, nil
	}
	if json.Unmarshal(raw, &value) != nil {
		return false, false, fmt.Errorf("%s must be true or false", name)
	}
	return value, true, nil
}

// time returns a member that must be a time with a zone (RFC 3339) if it is there.
func (o object) time(name string) (time.Time, error) {
	s, err := o.text(name)
	if s == "" || err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s must be a time such as 2026-11-22T08:00:00Z", name)
	}
	return t.UTC(), nil
}

// money returns the members amount and currency, which go together. The amount may be a string or a number; either is
// read as text.
func (o object) money() (relay.Amount, string, error) {
	_, hasAmount := o["amount"]
	_, hasCurrency := o["currency"]
	if !hasAmount && !hasCurrency {
		return "", "", nil
	}
	if !hasAmount || !hasCurrency {
		return "", "", errors.New("amount and currency go together")
	}
	text := string(o["amount"])
	if strings.HasPrefix(text, `"`) {
		text, _ = o.text("amount")
	}
	a, err := relay.ParseAmount(text)
	if err != nil {
		return "", "", err
	}
	if strings.HasPrefix(text, "-") {
		return "", "", errors.New("amount must not be negative")
	}
	currency, err := o.text("currency")
	if err != nil {
		return "", "", err
	}
	decimals, ok := money.Exponent(currency)
	if !ok {
		return "", "", fmt.Errorf("currency %.10q is not a code of ISO 4217 such as CNY", currency)
	}
	if _, frac, _ := strings.Cut(text, "."); len(frac) > decimals {
		return "", "", fmt.Errorf("%s has %d decimals, amount %s has more", currency, decimals, a)
	}
	return a, currency, nil
}
