package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// header is t=UNIX,v1=HEX[,v1=HEX…]: with one v1 for each secret that is valid at Stripe. Items of other schemes
// count for nothing; v0 is a decoy of Stripe's test mode.
const header = "Stripe-Signature"

// maxItems bounds the work that a stranger can cause. Rolling a secret makes two signatures.
const maxItems = 20

// signature is a v1 signature as Stripe writes it, in lower-case hex.
type signature [2 * sha256.Size]byte

// sign returns the signature by a secret, whose key is the whole text that Stripe shows, whsec_ included.
func sign(s *callback.Secret, stamp string, body []byte) (hexed signature) {
	sum := s.Sum(body, stamp, ".")
	hex.Encode(hexed[:], sum[:])
	return hexed
}

// is compares in constant time. Comparing the encoded texts allows no other spelling of the same bytes.
func (s signature) is(text string) bool {
	var given signature
	return len(text) == len(given) && copy(given[:], text) == len(given) && hmac.Equal(given[:], s[:])
}

func (p *Provider) verify(r callback.Request, now time.Time) *callback.Refusal {
	value, refusal := callback.Header(r.Header, header)
	if refusal != nil {
		return refusal
	}
	stamp, signatures, refusal := split(value)
	if refusal != nil {
		return refusal
	}
	signed, refusal := callback.Timestamp(stamp)
	if refusal != nil {
		return refusal
	}
	if !p.signed(stamp, signatures, r.Body) {
		return callback.Refuse(callback.BadSignature, "no v1 signature is by one of the configured secrets: compare "+
			"secrets with the endpoint's at Stripe, and see that nothing on the way changes the body")
	}
	if now.Sub(signed) > p.tolerance {
		return callback.Refuse(callback.StaleTimestamp, callback.Age(now, signed))
	}
	return nil
}

// split returns the timestamp and the v1 signatures.
func split(value string) (stamp string, signatures []string, _ *callback.Refusal) {
	items := strings.Split(value, ",")
	if len(items) > maxItems {
		return "", nil, callback.Refuse(callback.Malformed, fmt.Sprintf("%s has %d items, at most %d are read", header,
			len(items), maxItems))
	}
	stamped := false
	for _, item := range items {
		name, value, ok := strings.Cut(item, "=")
		switch {
		case !ok:
			return "", nil, callback.Refuse(callback.Malformed, header+" has an item without =")
		case name == "t" && stamped:
			return "", nil, callback.Refuse(callback.Malformed, header+" has two timestamps")
		case name == "t":
			stamp, stamped = value, true
		case name == "v1":
			signatures = append(signatures, value)
		}
	}
	if !stamped {
		return "", nil, callback.Refuse(callback.Malformed, header+" has no timestamp")
	}
	return stamp, signatures, nil
}

func (p *Provider) signed(stamp string, signatures []string, body []byte) bool {
	for _, s := range p.secrets {
		if slices.ContainsFunc(signatures, sign(s, stamp, body).is) {
			return true
		}
	}
	return false
}
