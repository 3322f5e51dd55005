package demo

import (
	"net/http"
	"strings"

	"github.com/tillbell/tillbell/transport"
)

// hosts are the names by which the shop is reached. A name that somebody else's DNS points at this machine is none of
// them, which is what keeps other web pages out (DNS rebinding).
var hosts = []string{"localhost", "127.0.0.1", "[::1]"}

// Loopback passes on what was asked of localhost, 127.0.0.1 or [::1], at any port, and answers 403 to anything else.
func Loopback(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.Host) {
			transport.NewProblem(http.StatusForbidden, "forbidden_host",
				"this server answers to localhost, 127.0.0.1 and [::1] alone").Write(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func local(host string) bool {
	host = strings.ToLower(host)
	for _, name := range hosts {
		rest, ok := strings.CutPrefix(host, name)
		if ok && (rest == "" || rest[0] == ':' && strings.Trim(rest[1:], "0123456789") == "") {
			return true
		}
	}
	return false
}

// ownPage passes on what the shop's own page sent and answers 403 to anything else.
func ownPage(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !sameOrigin(r) {
			transport.NewProblem(http.StatusForbidden, "forbidden_origin",
				"only the page at /demo may ask for this; tillbell send works from anywhere").Write(w)
			return
		}
		h(w, r)
	}
}

// sameOrigin reports whether a page of this origin sent r. Browsers send Origin with every POST and every WebSocket
// handshake, and with a GET of the own origin Sec-Fetch-Site instead (WHATWG Fetch, section 3.2; W3C Fetch Metadata,
// section 2.4), so that a request with neither comes from no page.
func sameOrigin(r *http.Request) bool {
	origin, sites := r.Header.Values("Origin"), r.Header.Values("Sec-Fetch-Site")
	for _, site := range sites {
		if site != "same-origin" {
			return false
		}
	}
	if len(origin) == 0 {
		return r.Method == http.MethodGet && len(sites) > 0
	}
	return len(origin) == 1 && (origin[0] == "http://"+r.Host || origin[0] == "https://"+r.Host)
}
