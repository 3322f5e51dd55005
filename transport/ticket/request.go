package ticket

import (
	"net/http"
	"net/url"
	"strings"
)

// Where is the place of a request that a ticket stands in.
type Where string

// The places, in the order in which they are looked at.
const (
	Nowhere       Where = ""
	Authorization Where = "authorization" // Authorization: Bearer <ticket>
	Subprotocol   Where = "subprotocol"   // Sec-WebSocket-Protocol: tillbell.v1, bearer.<ticket>
	Query         Where = "query"         // ?ticket=<ticket>
	Cookie        Where = "cookie"        // Cookie: tillbell_ticket=<ticket>
)

// SubprotocolPrefix stands before the ticket in a WebSocket subprotocol, CookieName and QueryName name the cookie and
// the query parameter.
const (
	SubprotocolPrefix = "bearer."
	CookieName        = "tillbell_ticket"
	QueryName         = "ticket"
)

// Sources are the places that a route looks at besides the headers a script must set itself. The zero value is the
// safe one.
type Sources struct {
	// Query allows ?ticket=, for EventSource, which can send no header.
	Query bool
	// Cookie allows the cookie. Browsers send it by themselves, so only a request whose Origin is absent or allowed
	// may have it.
	Cookie bool
}

// FromRequest returns the ticket that r carries, unverified. The first place that has one decides, and where names
// it: if what stands there is empty or ambiguous (there twice), ok is false and no other place is looked at.
func FromRequest(r *http.Request, o Sources) (token string, where Where, ok bool) {
	if token, present := Bearer(r.Header); present {
		return token, Authorization, token != ""
	}
	if f := inSubprotocols(r); f.times > 0 {
		return f.only(Subprotocol)
	}
	if o.Query {
		if f := inQuery(r.URL.RawQuery); f.times > 0 {
			return f.only(Query)
		}
	}
	if o.Cookie {
		if f := inCookies(r); f.times > 0 {
			return f.only(Cookie)
		}
	}
	return "", Nowhere, false
}

// Bearer returns the token of a header `Authorization: Bearer <token>` (RFC 6750, section 2.1), without its white
// space; a bearer of nothing is present and empty. Other schemes, which proxies use for themselves, are passed over.
// Two Authorization headers are present and empty whatever they hold: which of them counts is not the same for every
// proxy.
func Bearer(h http.Header) (token string, present bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", len(values) > 1
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// found is what one place of a request has: how many tickets, and the last of them.
type found struct {
	token string
	times int
}

func (f *found) add(token string) { f.token, f.times = token, f.times+1 }

func (f found) only(where Where) (string, Where, bool) {
	if f.times != 1 || f.token == "" {
		return "", where, false
	}
	return f.token, where, true
}

func inSubprotocols(r *http.Request) (f found) {
	if !listed(r.Header["Connection"], "upgrade") || !listed(r.Header["Upgrade"], "websocket") {
		return f
	}
	for _, value := range r.Header["Sec-Websocket-Protocol"] {
		for protocol := range strings.SplitSeq(value, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(protocol), SubprotocolPrefix); ok {
				f.add(token)
			}
		}
	}
	return f
}

// inQuery reads a query as url.ParseQuery does, which drops a pair that is malformed or has a semicolon, without a map
// of all that is in it.
func inQuery(query string) (f found) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != QueryName || strings.Contains(pair, ";") {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil {
			f.add(value)
		}
	}
	return f
}

func inCookies(r *http.Request) (f found) {
	for _, c := range r.CookiesNamed(CookieName) {
		f.add(c.Value)
	}
	return f
}

// listed reports whether one of the comma-separated lists has the word, in any case (RFC 9110, section 5.6.1).
func listed(values []string, word string) bool {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(item), word) {
				return true
			}
		}
	}
	return false
}
