package ticket

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	// Unlike encoding/json it matches names exactly and refuses a member that occurs twice, so that nobody can read a
	// ticket in two ways.
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tillbell/tillbell/relay"
)

const (
	audience = "tillbell"
	// maxToken is the length of the longest ticket, in bytes.
	maxToken = 8 << 10
	// leeway is for nbf alone.
	leeway = 30 * time.Second
	// maxDate is the end of the year 9999, in Unix seconds. Later dates have no RFC 3339 form, and are mostly
	// milliseconds by mistake, which would make a ticket valid for ever.
	maxDate = 253402300799
)

// Both are 401 for the client. Verify returns no other error.
var (
	// ErrExpired is a ticket of ours whose time is over.
	ErrExpired = errors.New("ticket: expired")
	// ErrInvalid is every other refusal; the error that wraps it has the reason in its text.
	ErrInvalid = errors.New("ticket: invalid")
)

// The reasons are fixed texts, so that nothing of a ticket can get into a log.
var (
	errTooLong   = invalid("longer than 8 KiB")
	errFormat    = invalid("not a JWT in compact serialisation")
	errParts     = invalid("a part or a header member is malformed")
	errHeader    = invalid("header is not a JSON object of JOSE members")
	errCritical  = invalid("header has crit or b64")
	errNoKey     = invalid("no key for its alg and kid")
	errSignature = invalid("signature does not match")
	errClaims    = invalid("claims are malformed")
	errAudience  = invalid("aud is not tillbell")
	errSubject   = invalid("sub is not a payment id")
	errNoExpiry  = invalid("no exp")
	errNotYet    = invalid("nbf is in the future")
)

func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }

// Claims are what a ticket says.
type Claims struct {
	// Payment is the only payment that its holder may await.
	Payment string
	// Expires is the instant from which on the ticket is void.
	Expires time.Time
}

// Verify returns the claims of a ticket that is valid at the time now, and keeps nothing of the ticket. The error is
// ErrExpired or wraps ErrInvalid; a ticket is called expired only after its signature held.
func (k *Keys) Verify(token string, now time.Time) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, errTooLong
	}
	// The base64 decoder passes over line breaks, which RFC 7515 (section 2) does not allow.
	if strings.Count(token, ".") != 2 || strings.IndexByte(token, '\r') >= 0 || strings.IndexByte(token, '\n') >= 0 {
		return Claims{}, errFormat
	}
	if k.hs256 != nil {
		d := k.hs256.desks.Get().(*desk)
		defer k.hs256.desks.Put(d)
		switch payload, plain, holds := d.open(token, k.isNamed); {
		case plain && holds:
			return readClaims(payload, now)
		case plain:
			return Claims{}, errSignature
		}
	}
	payload, err := k.open(token)
	if err != nil {
		return Claims{}, err
	}
	return readClaims(payload, now)
}

// open returns the payload of a ticket of any algorithm whose signature holds.
func (k *Keys) open(token string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		return nil, errFormat
	}
	var header struct {
		Alg  jose.SignatureAlgorithm `json:"alg"`
		Kid  string                  `json:"kid"`
		Crit json.RawMessage         `json:"crit"`
		B64  json.RawMessage         `json:"b64"`
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		return nil, errHeader
	}
	// No extension is understood here. go-jose would obey b64 even where crit does not name it, and JWTs must not
	// use it (RFC 7797, section 7).
	if header.Crit != nil || header.B64 != nil {
		return nil, errCritical
	}
	ring := k.candidates(header.Alg, header.Kid)
	if ring == nil {
		return nil, errNoKey
	}
	signed, err := jose.ParseSignedCompact(token, ring.algorithm)
	if err != nil {
		return nil, errParts
	}
	for _, key := range ring.keys {
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

// claims are what Verify looks at.
type claims struct {
	forUs     bool // aud is, or has, audience
	subject   string
	expires   numericDate
	notBefore numericDate
}

func readClaims(payload []byte, now time.Time) (Claims, error) {
	c, plain := plainClaims(payload)
	if !plain {
		var err error
		if c, err = anyClaims(payload); err != nil {
			return Claims{}, err
		}
	}
	switch {
	case !c.forUs:
		return Claims{}, errAudience
	case relay.CheckPayment(c.subject) != nil:
		return Claims{}, errSubject
	case !c.expires.given:
		return Claims{}, errNoExpiry
	case !now.Before(c.expires.Time):
		return Claims{}, ErrExpired
	case now.Add(leeway).Before(c.notBefore.Time): // an absent nbf is the zero time
		return Claims{}, errNotYet
	}
	return Claims{Payment: c.subject, Expires: c.expires.Time}, nil
}

// anyClaims reads claims however they are written.
func anyClaims(payload []byte) (claims, error) {
	var c struct {
		Audience  jwt.Audience `json:"aud"`
		Subject   strictText   `json:"sub"`
		Expires   numericDate  `json:"exp"`
		NotBefore numericDate  `json:"nbf"`
	}
	if !utf8.Valid(payload) || json.Unmarshal(payload, &c) != nil {
		return claims{}, errClaims
	}
	return claims{slices.Contains(c.Audience, audience), string(c.Subject), c.Expires, c.NotBefore}, nil
}

// strictText is a JSON string in which nothing was replaced.
type strictText string

// UnmarshalJSON refuses halves of surrogate pairs: the decoder turns each into U+FFFD, so that tickets of different
// payments would name the same one.
func (t *strictText) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*string)(t)); err != nil {
		return err
	}
	if strings.ContainsRune(string(*t), utf8.RuneError) && bytes.Contains(bytes.ToLower(b), []byte(`\ud`)) {
		return errClaims
	}
	return nil
}

// numericDate is a NumericDate of RFC 7519, section 2. jwt.NumericDate drops its fraction.
type numericDate struct {
	time.Time
	given bool
}

// UnmarshalJSON accepts any JSON number up to maxDate, and nothing else: null is not an absent date.
func (d *numericDate) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(seconds) > maxDate {
		return errClaims
	}
	whole, fraction := math.Modf(seconds)
	*d = numericDate{time.Unix(int64(whole), int64(fraction*1e9)), true}
	return nil
}
