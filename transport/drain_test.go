package transport_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// callbacks acknowledges everything.
func callbacks(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// TestDrain goes through the steps of Stop, second by second.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{Server: transport.Options{
			Delay: 5 * time.Second, Callbacks: http.HandlerFunc(callbacks),
		}})
		stream, err := s.Client.Do(s.Request(t, "GET", "/v1/payments/p/sse", "", "Authorization", "Bearer "+s.Ticket(t, "p", time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Body.Close()
		lines := bufio.NewScanner(stream.Body)
		until := func(text string) {
			t.Helper()
			for lines.Scan() {
				if strings.Contains(lines.Text(), text) {
					return
				}
			}
			t.Fatalf("the stream ends before %s", text)
		}
		until("event: state")
		// A WebSocket whose client does not answer the close frame keeps the listener open for 2 s more.
		deaf := s.webSocket(t)
		defer deaf.Close()
		go io.Copy(io.Discard, deaf)

		stopped := make(chan error)
		begin := time.Now()
		go func() { stopped <- s.Server.Stop(context.Background()) }()
		synctest.Wait()
		up := func() {
			t.Helper()
			a := s.do(t, "GET", "/readyz", "")
			a.expect(t, "not ready", 503, "closing")
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			s.do(t, "GET", "/healthz", "").expect(t, "alive", 200, "")
			s.do(t, "POST", "/v1/callbacks/shop", "").expect(t, "callback", 200, "")
		}
		up()
		time.Sleep(4 * time.Second) // in the bubble, as below
		up()
		s.Publish(t, event("p", "pending", 1))
		until(`"payment.pending"`)
		time.Sleep(1500 * time.Millisecond)
		until(`{"code":"closing"}`)
		if _, err := io.Copy(io.Discard, stream.Body); err != nil {
			t.Error(err)
		}
		up()
		s.merchant(t, "PUT", "/v1/payments/p", "").expect(t, "merchant", 201, "")
		a := s.waiter(t, "p", "/v1/payments/p/poll")
		a.expect(t, "poll", 503, "closing")
		time.Sleep(2 * time.Second)
		if _, err := s.Dial(t.Context()); err == nil {
			t.Error("the listener is open")
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 8*time.Second {
			t.Errorf("stop took %s", took)
		}
	})
}

// webSocket opens a WebSocket that nobody reads from after the handshake.
func (s site) webSocket(t testing.TB) net.Conn {
	t.Helper()
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head := "GET /v1/payments/p/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer " + s.Ticket(t, "p", time.Hour) + "\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	if answer, err := readAnswer(conn); !strings.HasPrefix(answer, "HTTP/1.1 101 ") {
		t.Fatalf("%q, %v", answer, err)
	}
	return conn
}

// TestDrainCuts has less time than the clients take.
func TestDrainCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{Server: transport.Options{Delay: time.Hour}})
		deaf := s.webSocket(t)
		defer deaf.Close()
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := "GET /v1/payments/p/sse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.Ticket(t, "p", time.Hour) + "\r\n\r\n"
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		err = s.Server.Stop(ctx)
		if err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("stop took %s", took)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Error(err)
		}
	})
}

// TestNotStarted stops servers that never listened, and starts some that cannot.
func TestNotStarted(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	s := newSite(t, transporttest.Options{})
	for name, o := range map[string]transport.Options{
		"busy":        {Addr: busy.Addr().String()},
		"no address":  {Addr: "nonsense:port"},
		"certificate": {Addr: "127.0.0.1:0", CertFile: "missing.pem", KeyFile: "missing.pem"},
	} {
		o.Relay, o.Delay, o.Callbacks = s.Relay, time.Hour, http.HandlerFunc(callbacks)
		o.Log, o.Metrics = slog.New(slog.DiscardHandler), metrics.New()
		server := transport.New(o)
		if err := server.Stop(t.Context()); err != nil {
			t.Errorf("%s: stop before start: %v", name, err)
		}
		server = transport.New(o)
		if err := server.Start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "transport: ") {
			t.Errorf("%s: start: %v", name, err)
		}
		if err := server.Stop(t.Context()); err != nil || server.Addr() != nil {
			t.Errorf("%s: stop: %v", name, err)
		}
	}
}
