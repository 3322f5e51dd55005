package scheme

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// MAC declares a proof by HMAC. The zero value of all but Header is HMAC-SHA256 of the raw body in lower-case hex, keyed
// with the secret's text, without a time.
type MAC struct {
	// Header has the signature, once.
	Header string
	// Prefix stands in front of the signature, as in "sha256=".
	Prefix string
	// Items says that the header is a list.
	Items Items
	// Hash is the hash function; nil is SHA-256.
	Hash func() hash.Hash
	// Encoding is how the signature is written.
	Encoding Encoding
	// Signed is what the MAC is over, in order; nil is the Body alone. The Body is there at most once.
	Signed []Part
	// Key turns a configured secret into the key; nil takes the bytes of its text. The error completes a sentence about the
	// secret, as in "is not hex", and does not repeat it.
	Key func(secret string) ([]byte, error)
	// TimeHeader has the timestamp, where it is no item of Header.
	TimeHeader string
	// TimeUnit is what the timestamp counts since 1970; zero is a second.
	TimeUnit time.Duration
	// Window is how far the timestamp may be from this clock unless the source sets a tolerance; exactly as far passes.
	Window time.Duration
	// AgeOnly says that a timestamp may be in the future.
	AgeOnly bool
}

// Items declares a header that is a list of NAME=VALUE, as in "t=1795312799,v1=c00a…,v1=44ad…". Of several signatures any
// may be the right one, so that secrets are rotated without a gap. Items of other names count for nothing.
type Items struct {
	Separator string // one character; empty: the header is no list
	Time      string // the timestamp's name
	Signature string // the signatures' name
}

// Encoding is how a MAC is written. Each is compared as text, which allows one spelling of the bytes.
type Encoding int

// The encodings.
const (
	Hex    Encoding = iota // lower case
	Base64                 // the standard alphabet, with padding
)

func (e Encoding) encode(dst, sum []byte) []byte {
	if e == Base64 {
		return base64.StdEncoding.AppendEncode(dst, sum)
	}
	return hex.AppendEncode(dst, sum)
}

// maxItems bounds the work that a stranger can cause. Rotations need two or three signatures.
const maxItems = 20

// part kinds
const (
	partText = iota
	partBody
	partTimestamp
	partURL
	partHeader
)

// Part is a piece of what is signed.
type Part struct {
	kind int
	text string
}

// The parts that every call has.
var (
	// Body is the raw body.
	Body = Part{kind: partBody}
	// Timestamp is the timestamp's text.
	Timestamp = Part{kind: partTimestamp}
	// URL is the notification URL as it is configured, which behind a proxy is not the one that arrives.
	URL = Part{kind: partURL}
)

// Text is a literal.
func Text(s string) Part { return Part{partText, s} }

// HeaderValue is the value of a header, which must be there once.
func HeaderValue(name string) Part { return Part{partHeader, name} }

// HexKey is a MAC's Key of secrets that are hex.
func HexKey(secret string) ([]byte, error) {
	key, err := hex.DecodeString(secret)
	if err != nil {
		return nil, errors.New("is not hex") // the cause would repeat a part of the secret
	}
	return key, nil
}

// Base64Key is a MAC's Key of secrets that are base64.
func Base64Key(secret string) ([]byte, error) {
	key, err := callback.Base64(secret)
	if err != nil {
		return nil, errors.New("is not base64")
	}
	return key, nil
}
