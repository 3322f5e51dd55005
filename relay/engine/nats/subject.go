package nats

import (
	"errors"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// plain reports whether a byte of a payment id stands for itself in a subject. The others are those that NATS gives a
// meaning (dots, wildcards, spaces), what operators' shells and files would not like, and what is not ASCII.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// appendToken appends the payment id as one token of a subject: two ids have the same token only if they are the same
// bytes. Plain ids are readable in it, and shorter than in base64: the servers keep every subject in memory.
func appendToken(dst []byte, payment string) []byte {
	for i := range len(payment) {
		if c := payment[i]; plain(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// probeToken is a token that no payment id has.
const probeToken = "%"

var errToken = errors.New("its subject was not made by this program")

// payment returns the payment id of a token.
func payment(token string) (string, error) {
	id := make([]byte, 0, len(token))
	for len(token) > 0 {
		if c := token[0]; c != '%' {
			if !plain(c) {
				return "", errToken
			}
			id, token = append(id, c), token[1:]
			continue
		}
		if len(token) < 3 {
			return "", errToken
		}
		high, low := strings.IndexByte(hexDigits, token[1]), strings.IndexByte(hexDigits, token[2])
		if high < 0 || low < 0 || plain(byte(high<<4|low)) {
			return "", errToken
		}
		id, token = append(id, byte(high<<4|low)), token[3:]
	}
	return string(id), nil
}
