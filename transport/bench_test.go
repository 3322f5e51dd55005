package transport_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// BenchmarkCallbackToEvent measures from a signed callback's first byte to the waiting client's event, over loopback
// sockets in one process: what Tillbell does, and the least that any server has to do for the same, which is to verify
// the HMAC, parse the body and write to the stream that waits.
func BenchmarkCallbackToEvent(b *testing.B) {
	o, key, err := standard.Throwaway()
	if err != nil {
		b.Fatal(err)
	}
	signer, err := standard.NewSigner(o, key)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("tillbell", func(b *testing.B) {
		provider, err := standard.New(o)
		if err != nil {
			b.Fatal(err)
		}
		s := tillbell(b, provider)
		measure(b, s.Client, s.URL, signer, func(payment string) string { return "Bearer " + s.Ticket(b, payment, time.Hour) })
	})
	b.Run("plain", func(b *testing.B) {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(o.Secrets[0], "whsec_"))
		if err != nil {
			b.Fatal(err)
		}
		server := httptest.NewServer((&plain{secret: secret, waits: make(map[string]chan []byte)}).routes())
		defer server.Close()
		measure(b, server.Client(), server.URL, signer, func(string) string { return "" })
	})
}

// tillbell is the real thing: route, adapter, relay, memory engine, SSE.
func tillbell(b *testing.B, p callback.Provider) *transporttest.Site {
	late := new(handler)
	s := transporttest.NewSite(b, transporttest.Options{
		Network:    transporttest.TCP,
		Server:     transport.Options{Callbacks: late},
		Transports: func(w *wheel.Wheel) []transport.Transport { return []transport.Transport{sse.New(w, sse.Options{})} },
	})
	late.Handler = callback.NewRoute(callback.RouteOptions{Relay: s.Relay, Metrics: s.Metrics, Log: slog.New(slog.DiscardHandler), MaxBody: 1 << 20},
		map[string]callback.Source{"erp": {Name: "erp", ProviderName: "standard-webhooks", Provider: p}})
	return s
}

// handler is one that is known only after its server.
type handler struct{ http.Handler }

// measure counts one callback and its event as an operation. The stream is opened, and its end read, outside of that.
func measure(b *testing.B, client *http.Client, url string, signer callback.Signer, authorization func(payment string) string) {
	b.ReportAllocs()
	// A provider's connection is its own: a stream that ends closes its connection, and must not take the other's.
	provider := &http.Client{Transport: new(http.Transport)}
	defer provider.CloseIdleConnections()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		payment := "order-" + strconv.Itoa(n)
		stream := openStream(b, client, url, payment, authorization(payment))
		signed, err := signer.Sign(callback.Notification{Payment: payment, Status: relay.Paid, Amount: "129.00", Currency: "EUR"}, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		post, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/callbacks/erp", bytes.NewReader(signed.Body))
		if err != nil {
			b.Fatal(err)
		}
		post.Header = signed.Header
		acknowledged := make(chan error, 1)
		b.StartTimer()
		go func() {
			resp, err := provider.Do(post)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			acknowledged <- err
		}()
		if err := stream.until("payment.paid"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := <-acknowledged; err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, stream.body)
		stream.body.Close()
		b.StartTimer()
	}
}

type stream struct {
	lines *bufio.Reader
	body  io.ReadCloser
}

func openStream(b *testing.B, client *http.Client, url, payment, authorization string) stream {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/v1/payments/"+payment+"/sse", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	resp, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	s := stream{bufio.NewReader(resp.Body), resp.Body}
	if err := s.until("event: state"); err != nil {
		b.Fatal(err)
	}
	return s
}

// until reads up to a line that has the text.
func (s stream) until(text string) error {
	for {
		line, err := s.lines.ReadSlice('\n')
		if err != nil || bytes.Contains(line, []byte(text)) {
			return err
		}
	}
}

// plain is a map of channels behind net/http. It retains nothing: what comes before its waiter is lost.
type plain struct {
	secret []byte
	mu     sync.Mutex
	waits  map[string]chan []byte
}

func (p *plain) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/callbacks/erp", p.callback)
	mux.HandleFunc("GET /v1/payments/{payment}/sse", p.wait)
	return mux
}

func (p *plain) callback(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	mac := hmac.New(sha256.New, p.secret)
	mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "."))
	mac.Write(body)
	given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Webhook-Signature"), "v1,"))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var event struct {
		Type string
		Data struct {
			OrderID  string `json:"order_id"`
			Amount   json.Number
			Currency string
		}
	}
	if json.Unmarshal(body, &event) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	told, _ := json.Marshal(event) // it was just read
	p.mu.Lock()
	if wait := p.waits[event.Data.OrderID]; wait != nil {
		wait <- told
	}
	p.mu.Unlock()
}

func (p *plain) wait(w http.ResponseWriter, r *http.Request) {
	payment, events := r.PathValue("payment"), make(chan []byte, 1)
	p.mu.Lock()
	p.waits[payment] = events
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waits, payment)
		p.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	_, _ = io.WriteString(w, "event: state\ndata: {}\n\n")
	_ = c.Flush()
	select {
	case e := <-events:
		_, _ = w.Write([]byte("data: " + string(e) + "\n\n"))
	case <-r.Context().Done():
	}
}
