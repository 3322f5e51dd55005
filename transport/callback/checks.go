package callback

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Header returns the one value of a header that a signature depends on. A missing or empty one is refused, and so is
// one that came twice: proxies and SDKs disagree on which of the two counts.
func Header(h http.Header, name string) (string, *Refusal) {
	switch v := h.Values(name); {
	case len(v) == 0 || len(v) == 1 && v[0] == "":
		return "", Refuse(MissingHeader, "no "+name+" header")
	case len(v) > 1:
		return "", Refuse(DuplicateHeader, fmt.Sprintf("%d %s headers", len(v), name))
	default:
		return v[0], nil
	}
}

// Timestamp reads Unix seconds: decimal digits alone, as no provider sends a sign or white space.
func Timestamp(text string) (time.Time, *Refusal) { return TimestampIn(text, time.Second) }

// TimestampIn is Timestamp of a clock that counts units, which are parts of a second.
func TimestampIn(text string, unit time.Duration) (time.Time, *Refusal) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return time.Time{}, Refuse(Malformed, "the timestamp is not a number of units of "+unit.String()+" since 1970")
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	second := int64(time.Second / unit)
	if err != nil || n/second > 1<<40 {
		return time.Time{}, Refuse(Malformed, "the timestamp is not a number of units of "+unit.String()+" since 1970")
	}
	return time.Unix(n/second, n%second*int64(unit)), nil
}

// Age returns how a timestamp is off, for a refusal's detail.
func Age(now, signed time.Time) string {
	return fmt.Sprintf("signed %s before this clock", now.Sub(signed).Round(time.Second))
}

// Base64 decodes standard base64 with its padding, in the one spelling that the bytes have. The line ends that
// encoding/base64 passes over are errors like any other character.
func Base64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("callback: base64 with line ends")
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}
