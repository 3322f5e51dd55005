package hmac

import (
	"crypto/sha1" // some senders know no other, and HMAC holds with it
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback/format"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// Options are one sender's settings.
type Options struct {
	// Secrets are what callbacks are signed with, the old one too while it is replaced. At least one is needed; every one is
	// tried.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// Signature says where the signature stands and how it is written.
	Signature Signature `yaml:"signature,omitempty"`
	// Signed is what the signature is over, as in "{timestamp}.{body}": {body}, which must be there, {timestamp}, {url} and
	// {header:NAME}, with any text between. Empty is "{body}".
	Signed string `yaml:"signed,omitempty"`
	// Timestamp says where the timestamp is. It must be signed.
	Timestamp Timestamp `yaml:"timestamp,omitempty"`
	// Tolerance is how far the timestamp may be from this clock, either way; exactly as far passes. Zero is 300 s.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// URL is what {url} stands for: the notification URL exactly as the sender has it.
	URL string `yaml:"url,omitempty"`
	// EventID says where the sender's id of the event is: a gjson path, or header:NAME. It must stay the same over retries.
	// Empty is "id". Where a callback has none, repeats are told by payment, status and amount.
	EventID string `yaml:"event_id,omitempty"`
	// Answer is the body of the answer that means success. It goes out with status 200.
	Answer string `yaml:"answer,omitempty"`
	// Options say which field is what.
	format.Options `yaml:",inline"`
}

// Signature says where a signature stands and how it is written.
type Signature struct {
	// Header has the signature, once.
	Header string `yaml:"header,omitempty"`
	// Prefix stands in front of the signature, as in "sha256=".
	Prefix string `yaml:"prefix,omitempty"`
	// Separator says that the header is a list of NAME=VALUE with this character between them, and Item which of them are
	// signatures.
	Separator string `yaml:"separator,omitempty"`
	Item      string `yaml:"item,omitempty"`
	// Hash is sha256, which is the default, sha512, sha384 or sha1.
	Hash string `yaml:"hash,omitempty"`
	// Encoding is hex, which is the default and means lower case, or base64.
	Encoding string `yaml:"encoding,omitempty"`
	// Key says what the key is: the secret's text, which is the default, or what it is in hex or base64.
	Key string `yaml:"key,omitempty"`
}

// Timestamp says where the timestamp is: in a header of its own or in an item of the signature's.
type Timestamp struct {
	Header string `yaml:"header,omitempty"`
	Item   string `yaml:"item,omitempty"`
	// Unit is s, which is the default, or ms: what is counted since 1970.
	Unit string `yaml:"unit,omitempty"`
}

var (
	hashes = map[string]func() hash.Hash{
		"": sha256.New, "sha256": sha256.New, "sha512": sha512.New, "sha384": sha512.New384, "sha1": sha1.New,
	}
	units     = map[string]time.Duration{"": time.Second, "s": time.Second, "ms": time.Millisecond}
	encodings = map[string]scheme.Encoding{"": scheme.Hex, "hex": scheme.Hex, "base64": scheme.Base64}
	keys      = map[string]func(string) ([]byte, error){
		"": nil, "text": nil, "hex": scheme.HexKey, "base64": scheme.Base64Key,
	}
)

// mac returns what the settings declare, and the headers that are signed.
func (o Options) mac() (m scheme.MAC, headers []string, err error) {
	s := o.Signature
	if s.Header == "" {
		return m, nil, errors.New("signature.header: name the header that has the signature")
	}
	m = scheme.MAC{Header: s.Header, Prefix: s.Prefix, TimeHeader: o.Timestamp.Header, Window: defaultTolerance}
	var ok bool
	if m.Hash, ok = hashes[s.Hash]; !ok {
		return m, nil, fmt.Errorf("signature.hash is %q: it must be sha256, sha384, sha512 or sha1", s.Hash)
	}
	if m.Encoding, ok = encodings[s.Encoding]; !ok {
		return m, nil, fmt.Errorf("signature.encoding is %q: it must be hex or base64", s.Encoding)
	}
	if m.Key, ok = keys[s.Key]; !ok {
		return m, nil, fmt.Errorf("signature.key is %q: it must be text, hex or base64", s.Key)
	}
	if m.TimeUnit, ok = units[o.Timestamp.Unit]; !ok {
		return m, nil, fmt.Errorf("timestamp.unit is %q: it must be s or ms", o.Timestamp.Unit)
	}
	switch {
	case len(s.Separator) > 1 || isName(s.Separator) || strings.ContainsAny(s.Separator, "+/="):
		return m, nil, fmt.Errorf("signature.separator is %q: it must be one character that no signature has, such as a comma", s.Separator)
	case s.Separator != "" && strings.Contains(s.Prefix, s.Separator):
		return m, nil, errors.New("signature.prefix: it has the separator in it")
	case s.Item != "" && !isName(s.Item) || o.Timestamp.Item != "" && !isName(o.Timestamp.Item):
		return m, nil, errors.New("signature.item, timestamp.item: they must be names of letters, digits, - and _, such as v1")
	case (s.Separator == "") != (s.Item == ""):
		return m, nil, errors.New("signature: a list has both a separator and an item")
	case o.Timestamp.Item != "" && s.Separator == "":
		return m, nil, errors.New("timestamp.item: only a header that is a list (signature.separator) has items")
	case o.Timestamp.Item != "" && o.Timestamp.Header != "":
		return m, nil, errors.New("timestamp: it is in a header or in an item, not in both")
	}
	if o.Timestamp.Header != "" && strings.EqualFold(o.Timestamp.Header, s.Header) || s.Item != "" && o.Timestamp.Item == s.Item {
		return m, nil, errors.New("timestamp: it is where the signature is")
	}
	m.Items = scheme.Items{Separator: s.Separator, Time: o.Timestamp.Item, Signature: s.Item}
	m.Signed, headers, err = o.signed()
	return m, headers, err
}

// isName reports whether s could be the name of an item.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}

// signed returns what is signed, and the headers among it.
func (o Options) signed() (parts []scheme.Part, headers []string, err error) {
	rest, body, stamp := o.Signed, 0, 0
	if rest == "" {
		rest = "{body}"
	}
	for rest != "" {
		text, tail, ok := strings.Cut(rest, "{")
		if text != "" {
			parts = append(parts, scheme.Text(text))
		}
		if !ok {
			break
		}
		var word string
		if word, rest, ok = strings.Cut(tail, "}"); !ok {
			return nil, nil, errors.New("signed: a { is not closed")
		}
		header, isHeader := strings.CutPrefix(word, "header:")
		switch {
		case word == "body":
			body++
			parts = append(parts, scheme.Body)
		case word == "timestamp":
			stamp++
			parts = append(parts, scheme.Timestamp)
		case word == "url":
			parts = append(parts, scheme.URL)
		case isHeader && header != "":
			parts, headers = append(parts, scheme.HeaderValue(header)), append(headers, header)
		default:
			return nil, nil, fmt.Errorf("signed: {%s} is none of {body}, {timestamp}, {url} and {header:NAME}", word)
		}
	}
	timed := o.Timestamp.Header != "" || o.Timestamp.Item != ""
	switch {
	case body != 1:
		return nil, nil, errors.New("signed: {body} must be there once: what is not signed proves nothing")
	case timed && stamp == 0:
		return nil, nil, errors.New("signed: {timestamp} is missing: a time that is not signed proves nothing")
	case !timed && stamp > 0:
		return nil, nil, errors.New("timestamp: say in which header or item it is, since it is signed")
	case !timed && o.Tolerance != 0:
		return nil, nil, errors.New("tolerance: there is no timestamp that it could be of")
	}
	return parts, headers, nil
}
