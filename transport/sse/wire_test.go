package sse_test

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site returns a Site with the transport. Its write timeout is a tenth of a second where time is real.
func site(t *testing.T, n transporttest.Network) *transporttest.Site {
	var o sse.Options
	if n != transporttest.Pipes {
		o = sse.Options{Heartbeat: 300 * time.Millisecond, WriteTimeout: 100 * time.Millisecond}
	}
	return transporttest.NewSite(t, transporttest.Options{
		Network:    n,
		Transports: func(w *wheel.Wheel) []transport.Transport { return []transport.Transport{sse.New(w, o)} },
	})
}

func paid(payment string) relay.Event {
	return relay.Event{
		ID: "shop:" + payment, Payment: payment, Status: relay.Paid, Amount: "5.00", Currency: "EUR",
		Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
	}
}

func get(t *testing.T, s *transporttest.Site, payment, query string, header ...string) *http.Request {
	return s.Request(t, "GET", "/v1/payments/"+payment+"/sse"+query, "",
		append(header, "Authorization", "Bearer "+s.Ticket(t, payment, time.Hour))...)
}

// TestBytes holds the exact form of a whole stream.
func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Pipes)
		s.Publish(t, paid("p"))
		resp, body := s.Do(t, get(t, s, "p", ""))
		for name, want := range map[string]string{
			"Content-Type":           "text/event-stream",
			"Cache-Control":          "no-cache, no-transform",
			"X-Accel-Buffering":      "no",
			"X-Content-Type-Options": "nosniff",
			"Content-Encoding":       "",
			"Vary":                   "Origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		want := `^retry: \d+
event: state
data: {"payment":"p","status":"paid","final":true,"conflict":false,"amount":"5.00","currency":"EUR","updated_at":"2026-11-22T08:00:00Z","position":"(\w+)\.1"}

id: \w+\.1
data: {"specversion":"1.0","id":"shop:p","source":"/sources/shop","type":"payment.paid","subject":"p","time":"2026-11-22T08:00:00Z","data":{"payment":"p","status":"paid","final":true,"amount":"5.00","currency":"EUR"}}

id: \w+\.1~end
event: end
data: {"code":"done"}

:+

$`
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("stream is\n%s", body)
		}
		if n := strings.Count(body, ":") - strings.Count(strings.TrimRight(body, ":\n"), ":"); n < 2<<10 {
			t.Errorf("the padding has %d bytes", n)
		}
	})
}

// TestReconnect comes back as a browser does: with the last id, by itself, after every stream that ends.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Pipes)
		end := func(query string) *client {
			c := open(t, s, get(t, s, "p", query)).(*client)
			for f, err := c.Next(); f.Kind != "end"; f, err = c.Next() {
				if err != nil {
					t.Fatal(err)
				}
			}
			return c
		}
		expired := end("?ttl=1s")
		s.Publish(t, paid("p"))
		for _, c := range []*client{expired, end("")} {
			if !strings.HasSuffix(c.id, "~end") {
				t.Fatalf("id behind the end is %q", c.id)
			}
			resp, body := s.Do(t, get(t, s, "p", "", "Last-Event-ID", c.id))
			if resp.StatusCode != http.StatusNoContent || body != "" || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("with %s: status %d, %q", c.id, resp.StatusCode, body)
			}
			r := s.Request(t, "GET", "/v1/payments/p/sse", "", "Last-Event-ID", c.id,
				"Authorization", "Bearer "+s.Ticket(t, "p", 0))
			if resp, _ := s.Do(t, r); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("with an expired ticket: status %d", resp.StatusCode)
			}
			r = s.Request(t, "GET", "/v1/payments/p/sse", "", "Last-Event-ID", c.id)
			if resp, _ := s.Do(t, r); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("without a ticket: status %d", resp.StatusCode)
			}
		}
	})
}

// TestRetry looks at when a client that is sent away is told to come back: at another time than others.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Pipes)
		s.Relay.Drain()
		seen := make(map[int]bool)
		for range 20 {
			c := open(t, s, get(t, s, "p", "")).(*client)
			if f, err := c.Next(); f.Code != "closing" || err != nil {
				t.Fatalf("%+v, %v", f, err)
			}
			if c.retry < 500 || c.retry > 5000 {
				t.Errorf("retry is %d ms", c.retry)
			}
			if c.id != "" {
				t.Errorf("id is %q", c.id)
			}
			seen[c.retry] = true
		}
		if len(seen) < 10 {
			t.Errorf("%d different times of 20", len(seen))
		}
	})
}

// TestHTTP2 holds a stream over HTTP/2 for longer than a write may take.
func TestHTTP2(t *testing.T) {
	s := site(t, transporttest.TLS)
	c := open(t, s, get(t, s, "p", "")).(*client)
	if c.resp.ProtoMajor != 2 {
		t.Fatalf("the protocol is %s", c.resp.Proto)
	}
	want := []string{"state", "ping", "event", "end"}
	for _, kind := range want {
		f, err := c.Next()
		if err != nil || f.Kind != kind {
			t.Fatalf("%+v, %v; want %s", f, err, kind)
		}
		if kind == "ping" { // 300 ms later, three write timeouts
			s.Publish(t, paid("p"))
		}
	}
	if _, err := c.Next(); err != io.EOF {
		t.Error(err)
	}
}

// TestHTTP2Slow never reads on a stream, while another on the same connection is served.
func TestHTTP2Slow(t *testing.T) {
	s := transporttest.NewSite(t, transporttest.Options{
		Network: transporttest.TLS,
		Transports: func(w *wheel.Wheel) []transport.Transport {
			return []transport.Transport{sse.New(w, sse.Options{WriteTimeout: time.Second})} // a busy machine is not slow
		},
	})
	stuck, other := open(t, s, get(t, s, "p", "")), open(t, s, get(t, s, "q", ""))
	defer stuck.Close()
	for _, c := range []transporttest.Client{stuck, other} {
		if f, err := c.Next(); f.Kind != "state" {
			t.Fatal(err)
		}
	}
	for i := range 50 { // 5 MB, and the client's window is 4 MiB
		e := paid("p")
		e.ID, e.Status, e.Time = strings.Repeat("x", 100<<10)+strconv.Itoa(i), relay.Pending, time.Time{}
		s.Publish(t, e)
	}
	s.Logged.Await(t, 1, "payment=p code=slow")
	s.Publish(t, paid("q"))
	for f, err := other.Next(); f.Kind != "event"; f, err = other.Next() {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHTTP10(t *testing.T) {
	s := site(t, transporttest.TCP)
	s.Publish(t, paid("p"))
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /v1/payments/p/sse HTTP/1.0\r\nAuthorization: Bearer "+s.Ticket(t, "p", time.Hour)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.0 200 OK\r\n") || !strings.HasSuffix(string(all), ":::\n\n") {
		t.Errorf("%v\n%s", err, all)
	}
}
