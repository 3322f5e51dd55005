package standard

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// SignBody returns a callback with any body, signed with the first of o's secrets.
func SignBody(t testing.TB, o Options, id string, at time.Time, body []byte) callback.Request {
	t.Helper()
	s, err := NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	header := make(http.Header)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", stamp)
	header.Set("Webhook-Signature", s.sign(message{id, stamp, body}))
	return callback.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: header, Body: body}
}
