package transport_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
)

// BenchmarkCallback measures signed callbacks that nobody waits for, each about another payment:
//
//	handler        what happens between net/http's call of the handler and the answer, and following the log
//	socket         the same over kept-alive loopback connections, with net/http and the client
//	socket, bare   net/http that verifies the signature and answers 204
//
// The difference of the last two in cpu-ns/op is what Tillbell costs beyond any Go server.
func BenchmarkCallback(b *testing.B) {
	o, key, err := standard.Throwaway()
	if err != nil {
		b.Fatal(err)
	}
	signer, err := standard.NewSigner(o, key)
	if err != nil {
		b.Fatal(err)
	}
	provider, err := standard.New(o)
	if err != nil {
		b.Fatal(err)
	}
	var orders atomic.Int64
	sign := func() callback.Request {
		n := callback.Notification{Payment: "order-" + strconv.FormatInt(orders.Add(1), 10), Status: relay.Pending, Amount: "129.00", Currency: "EUR"}
		signed, err := signer.Sign(n, time.Now())
		if err != nil {
			b.Error(err)
		}
		return signed
	}
	b.Run("handler", func(b *testing.B) { handled(b, tillbell(b, provider).Server.Handler(), sign) })
	b.Run("socket", func(b *testing.B) { posted(b, tillbell(b, provider).URL, sign) })
	b.Run("socket, bare", func(b *testing.B) {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(o.Secrets[0], "whsec_"))
		if err != nil {
			b.Fatal(err)
		}
		server := httptest.NewServer(bare(secret))
		defer server.Close()
		posted(b, server.URL, sign)
	})
}

// bare verifies and answers 204.
func bare(secret []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/callbacks/erp", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "."))
		mac.Write(body)
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Webhook-Signature"), "v1,"))
		if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// batch is how many callbacks are signed at a time, with the clocks stopped.
const batch = 1024

// handled calls the handler with requests and a response that cost nothing themselves.
func handled(b *testing.B, h http.Handler, sign func() callback.Request) {
	w := discard{header: make(http.Header)}
	inBatches(b, func(n int) func() {
		calls := make([]*http.Request, n)
		for i := range calls {
			signed := sign()
			calls[i] = httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/callbacks/erp", bytes.NewReader(signed.Body))
			calls[i].Header = signed.Header
		}
		return func() {
			for _, r := range calls {
				clear(w.header)
				h.ServeHTTP(&w, r)
				if w.status != http.StatusOK {
					b.Fatalf("answered %d", w.status)
				}
			}
		}
	})
}

// inBatches measures what prepare returns, for up to batch operations at a time.
func inBatches(b *testing.B, prepare func(n int) (run func())) {
	b.ReportAllocs()
	var used time.Duration
	for done := 0; done < b.N; done += batch {
		b.StopTimer()
		run := prepare(min(batch, b.N-done))
		before := cpuTime()
		b.StartTimer()
		run()
		used += cpuTime() - before
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// discard is a response that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header               { return d.header }
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }
func (d *discard) WriteHeader(status int)            { d.status = status }
func (d *discard) SetReadDeadline(time.Time) error   { return nil }
func (d *discard) SetWriteDeadline(time.Time) error  { return nil }

// posted posts over a few connections at the same time, as providers do.
func posted(b *testing.B, url string, sign func() callback.Request) {
	conns := make([]net.Conn, 16)
	for i := range conns {
		var err error
		if conns[i], err = new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimPrefix(url, "http://")); err != nil {
			b.Fatal(err)
		}
		defer conns[i].Close()
	}
	b.ResetTimer()
	inBatches(b, func(n int) func() {
		texts := make(chan []byte, n)
		for range n {
			texts <- wireText(sign())
		}
		close(texts)
		return func() {
			var all sync.WaitGroup
			for _, c := range conns {
				all.Go(func() { post(b, c, texts) })
			}
			all.Wait()
		}
	})
}

// wireText is the request as it goes over the wire.
func wireText(r callback.Request) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "POST /v1/callbacks/erp HTTP/1.1\r\nHost: pay.example\r\nContent-Length: %d\r\n", len(r.Body))
	_ = r.Header.Write(&text) // never fails
	text.WriteString("\r\n")
	text.Write(r.Body)
	return text.Bytes()
}

// post writes each text over the connection and reads its answer.
func post(b *testing.B, conn net.Conn, texts <-chan []byte) {
	r := bufio.NewReader(conn)
	for text := range texts {
		if _, err := conn.Write(text); err != nil {
			b.Error(err)
			return
		}
		if err := acknowledged(r); err != nil {
			b.Error(err)
			return
		}
	}
}

// acknowledged reads one answer, which must be 200 with two bytes or 204.
func acknowledged(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	body := 0
	switch {
	case bytes.Contains(status, []byte(" 200 ")):
		body = len("{}")
	case !bytes.Contains(status, []byte(" 204 ")):
		return fmt.Errorf("answered %s", status)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == len("\r\n") {
			_, err := r.Discard(body)
			return err
		}
	}
}
