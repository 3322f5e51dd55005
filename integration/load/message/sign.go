package message

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"time"
)

// A Signer signs callbacks as the Standard Webhooks specification, version 1, says.
type Signer struct {
	mac hash.Hash
	sum [sha256.Size]byte
	buf []byte
}

// NewSigner returns a signer with the key, which is the secret without its prefix and its base64.
func NewSigner(key []byte) *Signer { return &Signer{mac: hmac.New(sha256.New, key)} }

// AppendHeaders appends the three header lines of a callback with the body, sent at that time.
func (s *Signer) AppendHeaders(b []byte, id ID, at time.Time, body []byte) []byte {
	unix := at.Unix()
	s.mac.Reset()
	s.buf = append(id.Append(s.buf[:0]), '.')
	s.buf = append(strconv.AppendInt(s.buf, unix, 10), '.')
	s.mac.Write(s.buf)
	s.mac.Write(body)
	b = append(b, "Webhook-Id: "...)
	b = id.Append(b)
	b = append(b, "\r\nWebhook-Timestamp: "...)
	b = strconv.AppendInt(b, unix, 10)
	b = append(b, "\r\nWebhook-Signature: v1,"...)
	b = base64.StdEncoding.AppendEncode(b, s.mac.Sum(s.sum[:0]))
	return append(b, "\r\n"...)
}

// A Minter mints tickets: JWTs (RFC 7519) signed with HS256, one for each topic.
type Minter struct {
	mac     hash.Hash
	sum     [sha256.Size]byte
	claims  []byte
	expires int64
}

// ticketHead is the header of every ticket, encoded.
var ticketHead = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "."

// NewMinter returns a minter of tickets that expire at that time.
func NewMinter(secret []byte, expires time.Time) *Minter {
	return &Minter{mac: hmac.New(sha256.New, secret), expires: expires.Unix()}
}

// Append appends a ticket for the topic.
func (m *Minter) Append(b []byte, t Topic) []byte {
	start := len(b)
	m.claims = append(m.claims[:0], `{"aud":"tillbell","sub":"`...)
	m.claims = t.Append(m.claims)
	m.claims = fmt.Appendf(m.claims, `","exp":%d}`, m.expires)
	b = append(b, ticketHead...)
	b = base64.RawURLEncoding.AppendEncode(b, m.claims)
	m.mac.Reset()
	m.mac.Write(b[start:])
	b = append(b, '.')
	return base64.RawURLEncoding.AppendEncode(b, m.mac.Sum(m.sum[:0]))
}
