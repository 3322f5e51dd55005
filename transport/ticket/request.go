package ticket

import (
	"net/http"
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
	if tokens, present := inAuthorization(r.Header); present {
		return only(tokens, Authorization)
	}
	if tokens := inSubprotocols(r); len(tokens) > 0 {
		return only(tokens, Subprotocol)
	}
	if o.Query && r.URL.RawQuery != "" {
		if tokens := r.URL.Query()[QueryName]; len(tokens) > 0 {
			return only(tokens, Query)
		}
	}
	if o.Cookie {
		var tokens []string
		for _, c := range r.CookiesNamed(CookieName) {
			tokens = append(tokens, c.Value)
		}
		if len(tokens) > 0 {
			return only(tokens, Cookie)
		}
	}
	return "", Nowhere, false
}

func only(tokens []string, where Where) (string, Where, bool) {
	if len(tokens) != 1 || tokens[0] == "" {
		return "", where, false
	}
	return tokens[0], where, true
}

// inAuthorization passes over other schemes, which proxies use for themselves. Two headers are present whatever they
// hold: which of them counts is not the same for every proxy.
func inAuthorization(h http.Header) (tokens []string, present bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return nil, len(values) > 1
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	return []string{strings.TrimSpace(token)}, true
}

func inSubprotocols(r *http.Request) (tokens []string) {
	if !listed(r.Header["Connection"], "upgrade") || !listed(r.Header["Upgrade"], "websocket") {
		return nil
	}
	for _, value := range r.Header["Sec-Websocket-Protocol"] {
		for protocol := range strings.SplitSeq(value, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(protocol), SubprotocolPrefix); ok {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
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
