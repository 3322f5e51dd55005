package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxBody = 1 << 20
	maxAge  = 5 * time.Minute
)

// verified passes on the bodies of callbacks whose signature holds, and answers them 204, or 503 where take fails.
func verified(key []byte, take func(*http.Request, []byte) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusBadRequest)
			return
		}
		if !verify(key, r.Header, body, time.Now()) {
			http.Error(w, "the signature does not hold", http.StatusUnauthorized)
			return
		}
		if err := take(r, body); err != nil {
			http.Error(w, "the callback cannot be stored", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// verify says whether one of the signatures holds, by the Standard Webhooks specification.
func verify(key []byte, h http.Header, body []byte, now time.Time) bool {
	id, stamp := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	sent, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(sent, 0)).Abs() > maxAge {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for signature := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
		text, found := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(text); found && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
