package transport

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tillbell/tillbell/transport/ticket"
)

// Access is who may do what. It is replaced as a whole when the configuration is read again.
type Access struct {
	apiKeys [][sha256.Size]byte
	tickets *ticket.Keys
	origins []string
	any     bool // every origin, but then without cookies
}

// NewAccess returns the Access of the given API keys, ticket keys and CORS origins, of which "*" is any. publicURL's
// origin is always allowed.
func NewAccess(apiKeys []string, tickets *ticket.Keys, origins []string, publicURL string) *Access {
	a := &Access{tickets: tickets, any: slices.Contains(origins, "*")}
	for _, key := range apiKeys {
		if key != "" {
			a.apiKeys = append(a.apiKeys, sha256.Sum256([]byte(key)))
		}
	}
	for _, o := range append(slices.Clone(origins), publicURL) {
		if o != "" {
			a.origins = append(a.origins, normalOrigin(o))
		}
	}
	return a
}

// apiKey reports whether the request carries an API key.
func (a *Access) apiKey(r *http.Request) bool {
	key, ok := bearer(r)
	if !ok {
		return false
	}
	// Comparing digests takes the same time for every key that is wrong, wherever it differs.
	digest := sha256.Sum256([]byte(key))
	return slices.Contains(a.apiKeys, digest)
}

// bearer returns the one bearer token that r has, be it a key or a ticket.
func bearer(r *http.Request) (token string, given bool) {
	token, _ = ticket.Bearer(r.Header)
	return token, token != ""
}

// corsOrigin reports whether scripts of the origin may read answers: it is configured or public_url's. Browsers send
// the normal form, which is looked for first.
func (a *Access) corsOrigin(origin string) bool {
	return a.any || slices.Contains(a.origins, origin) || slices.Contains(a.origins, normalOrigin(origin))
}

// ownOrigin reports whether the Origin is one that may open WebSockets and send cookies: the request's own, or one of
// corsOrigin. An absent one is allowed: no browser sent it from another site.
func (a *Access) ownOrigin(r *http.Request) bool {
	v := r.Header.Values("Origin")
	if len(v) == 0 {
		return true
	}
	if len(v) > 1 {
		return false
	}
	if a.corsOrigin(v[0]) {
		return true
	}
	u, err := url.Parse(v[0])
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		strings.EqualFold(withoutPort(u.Host, u.Scheme), withoutPort(r.Host, u.Scheme))
}

// cookies reports whether a cookie may be the ticket in r.
func (a *Access) cookies(r *http.Request) bool { return !a.any && a.ownOrigin(r) }

// normalOrigin brings an origin into the form in which browsers send it (RFC 6454, section 6.2): lower case, no default
// port, no path.
func normalOrigin(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return origin
	}
	scheme := strings.ToLower(u.Scheme)
	return scheme + "://" + withoutPort(strings.ToLower(u.Host), scheme)
}

// withoutPort removes a port that is the scheme's default.
func withoutPort(host, scheme string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// ClientAddress returns who sent r: the peer, or, if that is a trusted proxy, the last one in X-Forwarded-For that no
// trusted proxy has. It is no address if the peer has none.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	if isTrusted(addr, trusted) {
		addr = forwarded(addr, r.Header.Values("X-Forwarded-For"), trusted)
	}
	return addr
}

// clientAddress returns the address that a waiter's limits count. IPv6 counts by /64, which is what one client gets.
func clientAddress(r *http.Request, trusted []netip.Prefix) string {
	addr := ClientAddress(r, trusted)
	if !addr.IsValid() {
		return r.RemoteAddr
	}
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// forwarded follows the hops of X-Forwarded-For from the last one on for as long as a trusted proxy names them.
func forwarded(addr netip.Addr, headers []string, trusted []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	return addr
}

// parseHop reads an address, behind which some proxies write a port.
func parseHop(text string) (netip.Addr, error) {
	if hop, err := netip.ParseAddrPort(text); err == nil {
		return hop.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}
