package stripe

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// SignBody returns a callback with any body, signed with the first of o's secrets.
func SignBody(t testing.TB, o Options, at time.Time, body []byte) callback.Request {
	t.Helper()
	s, err := NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := make(http.Header)
	h.Set(header, s.header(stamp, body))
	return callback.Request{Method: http.MethodPost, Header: h, Body: body}
}
