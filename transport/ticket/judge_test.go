package ticket_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/ticket"
)

// judge verifies every ticket with go-jose alone, by the rules of the package comment. Verify must say the same of
// every ticket, whichever way it goes inside.
type judge map[jose.SignatureAlgorithm][]any

func newJudge() judge {
	p := private()
	return judge{
		jose.HS256: {[]byte(secret), []byte(olderSecret)},
		jose.EdDSA: {p.ed.Public()},
		jose.ES256: {p.ec.Public()},
		jose.RS256: {p.rsa.Public()},
	}
}

// judged is a Keys with the judge's keys.
func judged(t testing.TB) *ticket.Keys {
	o := all()
	o.Secrets = []string{olderSecret}
	return mustNew(t, o)
}

// verdict is what is said of a ticket: its claims, or the reason why it is refused.
type verdict struct {
	payment string
	expires time.Time
	reason  string
}

func refusal(reason string) verdict { return verdict{reason: reason} }

// said is Verify's verdict.
func said(keys *ticket.Keys, token string) verdict {
	claims, err := keys.Verify(token, now)
	if err != nil {
		return verdict{claims.Payment, claims.Expires, strings.TrimPrefix(err.Error(), "ticket: invalid: ")}
	}
	return verdict{claims.Payment, claims.Expires, ""}
}

func (j judge) verify(token string) verdict {
	if len(token) > 8<<10 {
		return refusal("longer than 8 KiB")
	}
	if strings.Count(token, ".") != 2 || strings.ContainsAny(token, "\r\n") {
		return refusal("not a JWT in compact serialisation")
	}
	raw, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		return refusal("not a JWT in compact serialisation")
	}
	var header struct {
		Alg jose.SignatureAlgorithm `json:"alg"`
		Kid string                  `json:"kid"`
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &header) != nil || json.Unmarshal(raw, &members) != nil {
		return refusal("header is not a JSON object of JOSE members")
	}
	if members["crit"] != nil || members["b64"] != nil {
		return refusal("header has crit or b64")
	}
	if j[header.Alg] == nil {
		return refusal("no key for its alg and kid")
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{header.Alg})
	if err != nil {
		return refusal("a part or a header member is malformed")
	}
	for _, key := range j[header.Alg] {
		if payload, err := signed.Verify(key); err == nil {
			return j.claims(payload)
		}
	}
	return refusal("signature does not match")
}

func (judge) claims(payload []byte) verdict {
	var c struct {
		Aud jwt.Audience `json:"aud"`
		Sub judgedText   `json:"sub"`
		Exp judgedDate   `json:"exp"`
		Nbf judgedDate   `json:"nbf"`
	}
	if !utf8.Valid(payload) || json.Unmarshal(payload, &c) != nil {
		return refusal("claims are malformed")
	}
	switch {
	case !slices.Contains(c.Aud, "tillbell"):
		return refusal("aud is not tillbell")
	case relay.CheckPayment(string(c.Sub)) != nil:
		return refusal("sub is not a payment id")
	case !c.Exp.given:
		return refusal("no exp")
	case !now.Before(c.Exp.Time):
		return refusal("ticket: expired")
	case now.Add(30 * time.Second).Before(c.Nbf.Time):
		return refusal("nbf is in the future")
	}
	return verdict{payment: string(c.Sub), expires: c.Exp.Time}
}

type judgedText string

func (t *judgedText) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*string)(t)); err != nil {
		return err
	}
	if strings.ContainsRune(string(*t), utf8.RuneError) && bytes.Contains(bytes.ToLower(b), []byte(`\ud`)) {
		return errors.New("half a surrogate pair")
	}
	return nil
}

type judgedDate struct {
	time.Time
	given bool
}

func (d *judgedDate) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(seconds) > 253402300799 {
		return errors.New("no date")
	}
	whole, fraction := math.Modf(seconds)
	*d = judgedDate{time.Unix(int64(whole), int64(fraction*1e9)), true}
	return nil
}
