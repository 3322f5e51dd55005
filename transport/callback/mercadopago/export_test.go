package mercadopago

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
)

// Signed returns a webhook with any query and body, signed with the first of o's secrets. An empty request id is left out.
func Signed(t testing.TB, o Options, id, request, stamp, query string, body []byte) callback.Request {
	t.Helper()
	h := make(http.Header)
	h.Set(header, "ts="+stamp+",v1="+sign(callback.NewSecret([]byte(o.Secrets[0])), id, request, stamp))
	if request != "" {
		h.Set(requestHeader, request)
	}
	r := callback.NewPost(h, body)
	r.URL = &url.URL{Path: "/", RawQuery: query}
	return r
}
