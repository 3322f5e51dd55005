package mollie

import (
	"net/http"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
)

// SignBody returns a next-gen webhook with any body, signed with the first of o's secrets.
func SignBody(t testing.TB, o Options, body []byte) callback.Request {
	t.Helper()
	h := make(http.Header)
	h.Set(header, prefix+sign(callback.NewSecret([]byte(o.Secrets[0])), body))
	return callback.NewPost(h, body)
}
