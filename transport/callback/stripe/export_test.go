package stripe

import (
	"net/http"
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
	h := make(http.Header)
	if err := s.verifier.Sign(h, body, at); err != nil {
		t.Fatal(err)
	}
	return callback.Request{Method: http.MethodPost, Header: h, Body: body}
}
