package scheme

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Verifier is a MAC with a source's keys. It may be used from many goroutines.
type Verifier struct {
	mac       MAC
	keys      []*callback.Secret
	keysName  string
	url       string
	tolerance time.Duration
}

func (m MAC) proof(s Settings) (proof, error) { return m.New(s) }

// New checks the settings. The error names the one to change.
func (m MAC) New(s Settings) (*Verifier, error) {
	if m.Hash == nil {
		m.Hash = sha256.New
	}
	if m.TimeUnit == 0 {
		m.TimeUnit = time.Second
	}
	if m.Signed == nil {
		m.Signed = []Part{Body}
	}
	if err := checkKeys(s); err != nil {
		return nil, err
	}
	v := &Verifier{mac: m, keysName: s.KeysName, url: s.URL}
	for i, text := range s.Keys {
		key := []byte(text)
		if m.Key != nil {
			var err error
			if key, err = m.Key(text); err != nil {
				return nil, fmt.Errorf("%s: number %d %w", s.KeysName, i+1, err)
			}
		}
		v.keys = append(v.keys, callback.NewSecretOf(m.Hash, key))
	}
	if slices.Contains(m.Signed, URL) && !isURL(s.URL) {
		return nil, fmt.Errorf("%s: set it to the whole URL, https://…, exactly as it is entered at the provider, which signs it", s.URLName)
	}
	var err error
	v.tolerance, err = callback.Window(s.Tolerance, m.Window)
	return v, err
}

// isURL reports whether text, but for white space that the provider has too, is a URL that a provider could post to.
func isURL(text string) bool {
	u, err := url.Parse(strings.TrimSpace(text))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// timed reports whether the MAC covers a time that is to be looked at.
func (m *MAC) timed() bool { return m.Items.Time != "" || m.TimeHeader != "" }

// Verify reports why r was not signed with one of the keys, or not within the window.
func (v *Verifier) Verify(r callback.Request, now time.Time) *callback.Refusal {
	value, refusal := callback.Header(r.Header, v.mac.Header)
	if refusal != nil {
		return refusal
	}
	stamp, signatures, refusal := v.read(r.Header, value)
	if refusal != nil {
		return refusal
	}
	var signed time.Time
	if v.mac.timed() {
		if signed, refusal = callback.TimestampIn(stamp, v.mac.TimeUnit); refusal != nil {
			return refusal
		}
	}
	head, body, tail, refusal := v.parts(r.Header, r.Body, stamp)
	if refusal != nil {
		return refusal
	}
	if !v.signed(signatures, head, body, tail) {
		return callback.Refuse(callback.BadSignature, v.mac.Header+" is by none of the configured "+v.keysName+
			": compare them with the provider's, and see that nothing on the way changes the body")
	}
	switch age := now.Sub(signed); {
	case !v.mac.timed() || v.tolerance == 0:
		return nil
	case age > v.tolerance:
		return callback.Refuse(callback.StaleTimestamp, callback.Age(now, signed))
	case age < -v.tolerance && !v.mac.AgeOnly:
		return callback.Refuse(callback.FutureTimestamp, callback.Age(now, signed))
	}
	return nil
}

// read returns the timestamp, if there is one, and the signatures.
func (v *Verifier) read(h http.Header, value string) (stamp string, signatures []string, refusal *callback.Refusal) {
	if v.mac.Items.Separator != "" {
		if stamp, signatures, refusal = v.mac.Items.split(v.mac.Header, value); refusal != nil {
			return "", nil, refusal
		}
	} else {
		signatures = []string{value}
	}
	if v.mac.TimeHeader != "" {
		if stamp, refusal = callback.Header(h, v.mac.TimeHeader); refusal != nil {
			return "", nil, refusal
		}
	}
	for i, s := range signatures {
		bare, ok := strings.CutPrefix(s, v.mac.Prefix)
		if !ok {
			return "", nil, callback.Refuse(callback.Malformed, v.mac.Header+" does not begin with "+v.mac.Prefix)
		}
		signatures[i] = bare
	}
	return stamp, signatures, nil
}

// split returns the time and the signatures of a list.
func (it Items) split(header, value string) (stamp string, signatures []string, _ *callback.Refusal) {
	if n := strings.Count(value, it.Separator) + 1; n > maxItems { // before there is room for all of them
		return "", nil, callback.Refuse(callback.Malformed, fmt.Sprintf("%s has %d items, at most %d are read", header,
			n, maxItems))
	}
	stamped := false
	for item := range strings.SplitSeq(value, it.Separator) {
		name, value, ok := strings.Cut(item, "=")
		switch {
		case !ok:
			return "", nil, callback.Refuse(callback.Malformed, header+" has an item without =")
		case name == it.Time && stamped:
			return "", nil, callback.Refuse(callback.Malformed, header+" has two timestamps")
		case name == it.Time:
			stamp, stamped = value, true
		case name == it.Signature:
			signatures = append(signatures, value)
		}
	}
	if !stamped && it.Time != "" {
		return "", nil, callback.Refuse(callback.Malformed, header+" has no timestamp")
	}
	return stamp, signatures, nil
}

// parts returns what is signed: texts, the body, texts.
func (v *Verifier) parts(h http.Header, raw []byte, stamp string) (head []string, body []byte, tail []string,
	_ *callback.Refusal,
) {
	texts := &head
	for _, p := range v.mac.Signed {
		switch p.kind {
		case partBody:
			body, texts = raw, &tail
		case partText:
			*texts = append(*texts, p.text)
		case partTimestamp:
			*texts = append(*texts, stamp)
		case partURL:
			*texts = append(*texts, v.url)
		case partHeader:
			value, refusal := callback.Header(h, p.text)
			if refusal != nil {
				return nil, nil, nil, refusal
			}
			*texts = append(*texts, value)
		}
	}
	return head, body, tail, nil
}

// signed reports whether one of the signatures is by one of the keys.
func (v *Verifier) signed(signatures, head []string, body []byte, tail []string) bool {
	var sum, text [2 * 64]byte // the longest hash in hex
	for _, key := range v.keys {
		want := v.mac.Encoding.encode(text[:0], key.Append(sum[:0], head, body, tail))
		for _, s := range signatures {
			if len(s) == len(want) && hmac.Equal([]byte(s), want) {
				return true
			}
		}
	}
	return false
}

// Sign sets the headers that prove body, signed with the first key at the time at. Headers that are signed must be set
// already.
func (v *Verifier) Sign(h http.Header, body []byte, at time.Time) error {
	second := int64(time.Second / v.mac.TimeUnit)
	stamp := strconv.FormatInt(at.Unix()*second+int64(at.Nanosecond())/int64(v.mac.TimeUnit), 10)
	if v.mac.TimeHeader != "" {
		h.Set(v.mac.TimeHeader, stamp)
	}
	head, body, tail, refusal := v.parts(h, body, stamp)
	if refusal != nil {
		return refusal
	}
	value := v.mac.Prefix + string(v.mac.Encoding.encode(nil, v.keys[0].Append(nil, head, body, tail)))
	if it := v.mac.Items; it.Separator != "" {
		value = it.Signature + "=" + value
		if it.Time != "" {
			value = it.Time + "=" + stamp + it.Separator + value
		}
	}
	h.Set(v.mac.Header, value)
	return nil
}
