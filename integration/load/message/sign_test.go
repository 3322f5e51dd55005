package message

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/textproto"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// TestSigner holds the signatures against the specification's own library.
func TestSigner(t *testing.T) {
	verifier, err := webhooks.NewWebhook(base64.StdEncoding.EncodeToString(key))
	if err != nil {
		t.Fatal(err)
	}
	s := NewSigner(key)
	for n := range uint64(3) {
		id, body := ID{"abcdef", n}, []byte(`{"n":1}`)
		lines := append(s.AppendHeaders(nil, id, time.Now(), body), "\r\n"...)
		h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(lines))).ReadMIMEHeader()
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(body, http.Header(h)); err != nil {
			t.Errorf("callback %d: %v", n, err)
		}
		if got, want := h.Get("Webhook-Id"), string(id.Append(nil)); got != want {
			t.Errorf("webhook id %q, want %q", got, want)
		}
		if verifier.Verify([]byte(`{"n":2}`), http.Header(h)) == nil {
			t.Error("the signature does not cover the body")
		}
	}
}

// TestMinter holds the tickets against a JOSE library.
func TestMinter(t *testing.T) {
	m := NewMinter(key, time.Unix(4e9, 0))
	for n := range 3 {
		ticket := string(m.Append(nil, Topic{"t-", n}))
		token, err := jose.ParseSignedCompact(ticket, []jose.SignatureAlgorithm{jose.HS256})
		if err != nil {
			t.Fatal(err)
		}
		claims, err := token.Verify(key)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Aud, Sub string
			Exp      int64
		}
		if err := json.Unmarshal(claims, &got); err != nil {
			t.Fatal(err)
		}
		if want := string((Topic{"t-", n}).Append(nil)); got.Aud != "tillbell" || got.Sub != want || got.Exp != 4e9 {
			t.Errorf("claims %+v, want those of %s", got, want)
		}
	}
}
