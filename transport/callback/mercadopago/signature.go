package mercadopago

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// header is ts=TIME,v1=HEX. Items of other versions count for nothing.
const header = "X-Signature"

// requestHeader has an id that is signed. A proxy that sets it to an id of its own breaks the signature.
const requestHeader = "X-Request-Id"

// maxItems bounds the work that a stranger can cause.
const maxItems = 10

// sign returns the signature in lower-case hex. Pairs without a value are left out of what is signed, the time never is.
func sign(s *callback.Secret, id, request, stamp string) string {
	var text strings.Builder
	if id != "" {
		text.WriteString("id:" + id + ";")
	}
	if request != "" {
		text.WriteString("request-id:" + request + ";")
	}
	text.WriteString("ts:" + stamp + ";")
	sum := s.Sum(nil, text.String())
	return hex.EncodeToString(sum[:])
}

// verify returns the signed id, empty if the query has none.
func (p *Provider) verify(r callback.Request, now time.Time) (id string, _ *callback.Refusal) {
	value, refusal := callback.Header(r.Header, header)
	if refusal != nil {
		return "", refusal
	}
	request := ""
	if len(r.Header.Values(requestHeader)) > 0 {
		if request, refusal = callback.Header(r.Header, requestHeader); refusal != nil && refusal.Reason != callback.MissingHeader {
			return "", refusal
		}
	}
	stamp, signature, refusal := split(value)
	if refusal != nil {
		return "", refusal
	}
	if id, refusal = queryID(r.URL); refusal != nil {
		return "", refusal
	}
	if !p.signed(signature, id, request, stamp) {
		return "", callback.Refuse(callback.BadSignature,
			"no secret in secrets makes this signature; see also that no proxy on the way sets "+requestHeader)
	}
	return id, p.fresh(stamp, now)
}

// signed compares in constant time; comparing the encoded texts allows no other spelling of the same bytes. The signed id is
// in lower case by the documentation and as it is in the query by newer libraries, so that either is right.
func (p *Provider) signed(signature, id, request, stamp string) bool {
	if len(signature) != 2*sha256.Size {
		return false
	}
	lower := strings.ToLower(id)
	for _, s := range p.secrets {
		if hmac.Equal([]byte(signature), []byte(sign(s, id, request, stamp))) {
			return true
		}
		if lower != id && hmac.Equal([]byte(signature), []byte(sign(s, lower, request, stamp))) {
			return true
		}
	}
	return false
}

// split reads the header's items, around which the official libraries allow spaces.
func split(value string) (stamp, signature string, _ *callback.Refusal) {
	malformed := callback.Refuse(callback.Malformed, header+" is not a list like ts=1795312798,v1=…")
	if strings.Count(value, ",") >= maxItems {
		return "", "", malformed
	}
	stamps, signatures := 0, 0
	for item := range strings.SplitSeq(value, ",") {
		name, content, ok := strings.Cut(strings.Trim(item, " "), "=")
		switch {
		case !ok:
			return "", "", malformed
		case name == "ts":
			stamp, stamps = content, stamps+1
		case name == "v1":
			signature, signatures = content, signatures+1
		}
	}
	if stamps > 1 || signatures > 1 {
		return "", "", malformed
	}
	if stamp == "" || signature == "" {
		return "", "", callback.Refuse(callback.MissingHeader, header+" has no ts or no v1")
	}
	if _, ok := timeOf(stamp); !ok {
		return "", "", callback.Refuse(callback.Malformed, "the time in "+header+" is not a number")
	}
	return stamp, signature, nil
}

// queryID returns the id in the query, which the signature covers; the one in the body it does not.
func queryID(u *url.URL) (string, *callback.Refusal) {
	if u == nil {
		return "", nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", callback.Refuse(callback.Malformed, "the query cannot be read")
	}
	ids := query["data.id"]
	if len(ids) > 1 {
		return "", callback.Refuse(callback.Malformed, "the query has several data.id")
	}
	if len(ids) == 0 {
		return "", nil
	}
	return ids[0], nil
}

// timeOf reads digits: milliseconds if it would be seconds of the distant future. The official libraries disagree on which
// of the two it is.
func timeOf(stamp string) (time.Time, bool) {
	n, err := strconv.ParseUint(stamp, 10, 63)
	if err != nil || n > 1e15 {
		return time.Time{}, false
	}
	if n > 1e11 {
		return time.UnixMilli(int64(n)), true
	}
	return time.Unix(int64(n), 0), true
}

func (p *Provider) fresh(stamp string, now time.Time) *callback.Refusal {
	signed, _ := timeOf(stamp)
	switch age := now.Sub(signed); {
	case p.tolerance == 0:
		return nil
	case age > p.tolerance:
		return callback.Refuse(callback.StaleTimestamp, callback.Age(now, signed))
	case age < -p.tolerance:
		return callback.Refuse(callback.FutureTimestamp, callback.Age(now, signed))
	default:
		return nil
	}
}
