package main

import (
	"bufio"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.etcd.io/bbolt"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// post posts a callback signed by the specification's own library and returns the status.
func post(t *testing.T, url, body string, at time.Time) int {
	t.Helper()
	signer, err := webhooks.NewWebhook(base64.StdEncoding.EncodeToString(key))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign("id", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Webhook-Id", "id")
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", "v1,bm90 "+signature)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func start(t *testing.T, mode string) string {
	t.Helper()
	mux, err := routes(mode, filepath.Join(t.TempDir(), "store"), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

func TestStream(t *testing.T) {
	for _, mode := range []string{"sse", "bolt"} {
		t.Run(mode, func(t *testing.T) { stream(t, start(t, mode)) })
	}
}

func stream(t *testing.T, url string) {
	stream, err := http.Get(url + "/events?topic=a")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	for _, topic := range []string{"b", "a"} {
		if status := post(t, url+"/publish?topic="+topic, "for "+topic, time.Now()); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
	}
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); line != "data: for a\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestVerify(t *testing.T) {
	url := start(t, "bare") + "/publish"
	for age, want := range map[time.Duration]int{0: 204, time.Hour: 401, -time.Hour: 401} {
		if status := post(t, url, "{}", time.Now().Add(-age)); status != want {
			t.Errorf("%v old: status %d, want %d", age, status, want)
		}
	}
	answer, err := http.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("not signed: status %d", answer.StatusCode)
	}
}

func TestRoutes(t *testing.T) {
	for mode, key := range map[string][]byte{"sse": nil, "other": key, "bolt": key} {
		if _, err := routes(mode, "", key); err == nil {
			t.Errorf("mode %s with key %q serves", mode, key)
		}
	}
}

// TestStore finds what was kept after it was closed.
func TestStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store")
	for _, body := range []string{"a", "b"} {
		s, err := openStore(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.keep([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.db.Close()
	var got string
	err = s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(updates).ForEach(func(_, body []byte) error {
			got += string(body)
			return nil
		})
	})
	if got != "ab" || err != nil {
		t.Errorf("kept %q, %v", got, err)
	}
}
