package ticket

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"sync"
)

// Nearly every ticket is one that a merchant's backend or Mint signed with HS256 under a plain header. Such a ticket
// is verified here, for less than 1 µs where go-jose takes 12: a server that comes back has all its waits to let in
// again. Any other is left to go-jose, which accepts and refuses the same tickets.

// strict is base64url as RFC 7515 (section 2) has it: without padding, and with zeros in the unused bits, so that
// the text that was signed is the only one of its bytes.
var strict = base64.RawURLEncoding.Strict()

// hs256 verifies plain HS256 tickets. It may be used from many goroutines.
type hs256 struct {
	desks sync.Pool
}

// newHS256 returns an hs256 of the secrets, of which there is at least one.
func newHS256(secrets [][]byte) *hs256 {
	return &hs256{desks: sync.Pool{New: func() any {
		d := new(desk)
		for _, secret := range secrets {
			d.macs = append(d.macs, hmac.New(sha256.New, secret))
		}
		return d
	}}}
}

// desk is what one verification works with: the states of the MACs, which keep their secret's part of the work, and
// buffers, which stay under twice maxToken.
type desk struct {
	macs      []hash.Hash
	token     []byte
	decoded   []byte
	signature []byte
	sum       [sha256.Size]byte
}

// open returns the payload of a plain ticket, valid until the next open, and whether its signature holds for one of the
// secrets. Where the ticket is not plain, or its kid is named in the JWKS, nothing was decided.
func (d *desk) open(token string, named func(kid []byte) bool) (payload []byte, plain, holds bool) {
	d.token = append(d.token[:0], token...)
	header, rest, _ := bytes.Cut(d.token, []byte("."))
	body, signature, _ := bytes.Cut(rest, []byte("."))
	if !decode(&d.decoded, header) {
		return nil, false, false
	}
	if alg, kid, ok := plainHeader(d.decoded); !ok || string(alg) != "HS256" || named(kid) {
		return nil, false, false
	}
	if !decode(&d.decoded, body) || !decode(&d.signature, signature) {
		return nil, false, false
	}
	return d.decoded, true, d.signed(d.token[:len(header)+1+len(body)])
}

// decode replaces what is in the buffer by the bytes of a part, if that is strict base64url.
func decode(buf *[]byte, part []byte) bool {
	var err error
	*buf, err = strict.AppendDecode((*buf)[:0], part)
	return err == nil
}

// signed reports whether the signature is one of the secrets' over input. It tries all of them, however soon one
// holds, and takes the same time for every signature that is wrong.
func (d *desk) signed(input []byte) bool {
	holds := 0
	for _, mac := range d.macs {
		mac.Reset()
		mac.Write(input)
		holds |= subtle.ConstantTimeCompare(mac.Sum(d.sum[:0]), d.signature)
	}
	return holds == 1
}
