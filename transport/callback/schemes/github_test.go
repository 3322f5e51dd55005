package schemes_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

// A SHA-1 is never fallen back to, however right it is.
func TestGitHubLegacySHA1(t *testing.T) {
	s := with(t, &schemes.GitHub, schemes.Options{Secrets: []string{"k"}})
	m := hmac.New(sha1.New, []byte("k"))
	m.Write([]byte("{}"))
	legacy := "sha1=" + hex.EncodeToString(m.Sum(nil))
	s.refused(callback.MissingHeader, callback.NewPost(http.Header{"X-Hub-Signature": {legacy}}, []byte("{}")))
	s.refused(callback.Malformed, callback.NewPost(http.Header{"X-Hub-Signature-256": {legacy}}, []byte("{}")))
	respelled := strings.Replace(legacy, "sha1", "sha256", 1)
	s.refused(callback.BadSignature, callback.NewPost(
		http.Header{"X-Hub-Signature": {legacy}, "X-Hub-Signature-256": {respelled}}, []byte("{}")))
	r := s.call("{}", "X-Hub-Signature", "sha1=wrong")
	if _, err := s.parse(r); err != nil {
		t.Errorf("%v, though the legacy header counts for nothing", err)
	}
}

func TestGitHubTellsNothing(t *testing.T) {
	s := open(t, &schemes.GitHub)
	s.none(`{"zen":"Keep it logically awesome.","hook_id":1}`, "X-GitHub-Event", "ping", "X-GitHub-Delivery",
		"ed8a9cef-2d32")
	s.none(`{"action":"purchased","marketplace_purchase":{"id":1}}`, "X-GitHub-Event", "marketplace_purchase")
	s.none(`payload=%7B%7D`) // the other content type
}
