package ws_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func site(t *testing.T, n transporttest.Network, o transporttest.Options) *transporttest.Site {
	o.Network = n
	o.Transports = func(w *wheel.Wheel) []transport.Transport {
		return []transport.Transport{ws.New(w, ws.Options{Heartbeat: 1000 * time.Hour})} // the first comes at any moment
	}
	return transporttest.NewSite(t, o)
}

func bearer(t *testing.T, s *transporttest.Site) string {
	return "Bearer " + s.Ticket(t, "p", time.Hour)
}

const path = "/v1/payments/p/ws"

func TestSubprotocol(t *testing.T) {
	s := site(t, transporttest.TCP, transporttest.Options{})
	ticket := s.Ticket(t, "p", time.Hour)
	for _, c := range []struct {
		offered []string
		status  int
		answer  string
	}{
		{[]string{"tillbell.v1", "bearer." + ticket}, 101, "tillbell.v1"},
		{[]string{"bearer." + ticket, "tillbell.v1"}, 101, "tillbell.v1"},
		{[]string{"bearer." + ticket}, 101, ""},
		{[]string{"tillbell.v1"}, 401, ""},
		{[]string{"tillbell.v1", "bearer."}, 401, ""},
		{[]string{"tillbell.v1", "bearer." + s.Ticket(t, "q", time.Hour)}, 401, ""},
		{[]string{"tillbell.v1", "bearer." + ticket, "bearer." + ticket}, 401, ""},
	} {
		client := dial(t, s, s.Request(t, "GET", path, ""), c.offered...)
		if client.resp.StatusCode != c.status || client.resp.Header.Get("Sec-WebSocket-Protocol") != c.answer {
			t.Errorf("%d offered: status %d, %q", len(c.offered), client.resp.StatusCode, client.resp.Header.Get("Sec-WebSocket-Protocol"))
		}
		if client.resp.Header.Get("Sec-WebSocket-Extensions") != "" {
			t.Error("compression")
		}
		client.Close()
	}
}

func TestOrigin(t *testing.T) {
	s := site(t, transporttest.TCP, transporttest.Options{
		Origins: []string{"https://shop.example"}, Server: transport.Options{PublicURL: "https://pay.example"},
	})
	own := strings.TrimPrefix(s.URL, "http://")
	for origin, status := range map[string]int{
		"http://" + own: 101, "https://" + own: 101, "https://shop.example": 101, "https://pay.example": 101, "HTTPS://SHOP.example:443": 101,
		"https://evil.example": 403, "null": 403, "http://shop.example": 403, "ftp://" + own: 403, "http://127.0.0.1": 403,
		"https://shop.example.evil.example": 403, "https://evil.example/https://shop.example": 403, own: 403, "": 403,
	} {
		for _, header := range [][]string{{"Authorization", bearer(t, s)}, {"Cookie", "tillbell_ticket=" + s.Ticket(t, "p", time.Hour)}} {
			client := dial(t, s, s.Request(t, "GET", path, "", append(header, "Origin", origin)...))
			if client.resp.StatusCode != status {
				t.Errorf("origin %q with %s: status %d, want %d", origin, header[0], client.resp.StatusCode, status)
			}
			client.Close()
		}
	}
	client := dial(t, s, s.Request(t, "GET", path, "", "Authorization", bearer(t, s), "Origin", "https://shop.example", "Origin", "https://shop.example"))
	if client.resp.StatusCode != http.StatusForbidden {
		t.Errorf("two origins: status %d", client.resp.StatusCode)
	}
	client.Close()
}

// TestHandshake has requests that are none. Each is refused as a problem.
func TestHandshake(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 16))
	good := []string{"Connection: keep-alive, upgrade", "Upgrade: h2c, WebSocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key}
	s := site(t, transporttest.TCP, transporttest.Options{})
	for name, c := range map[string]struct {
		proto  string
		header []string
		status int
	}{
		"good":       {"HTTP/1.1", good, 101},
		"plain":      {"HTTP/1.1", nil, 426},
		"HTTP/1.0":   {"HTTP/1.0", good, 426},
		"connection": {"HTTP/1.1", good[1:], 426},
		"upgrade":    {"HTTP/1.1", append([]string{"Upgrade: h2c"}, append(good[:1:1], good[2:]...)...), 426},
		"version":    {"HTTP/1.1", append([]string{"Sec-WebSocket-Version: 8"}, append(good[:2:2], good[3])...), 426},
		"no version": {"HTTP/1.1", append(good[:2:2], good[3]), 426},
		"no key":     {"HTTP/1.1", good[:3], 400},
		"short key":  {"HTTP/1.1", append([]string{"Sec-WebSocket-Key: AAAA"}, good[:3]...), 400},
		"not base64": {"HTTP/1.1", append([]string{"Sec-WebSocket-Key: ????"}, good[:3]...), 400},
		"two keys":   {"HTTP/1.1", append([]string{good[3]}, good...), 400},
	} {
		resp, conn, _ := shake(t, s, c.proto, c.header)
		conn.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, c.status)
		}
		if resp.StatusCode != 101 && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", name, resp.Header)
		}
		if resp.StatusCode == 426 && resp.Header.Get("Upgrade") != "websocket" {
			t.Errorf("%s: Upgrade is %q", name, resp.Header.Get("Upgrade"))
		}
		if name == "version" && resp.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%s: %v", name, resp.Header)
		}
	}
	s = site(t, transporttest.TLS, transporttest.Options{})
	if resp, _ := s.Do(t, s.Request(t, "GET", path, "", "Authorization", bearer(t, s))); resp.StatusCode != 400 || resp.ProtoMajor != 2 {
		t.Errorf("%s: status %d", resp.Proto, resp.StatusCode)
	}
}

// TestInput sends what a client needs not send, in the packet of the handshake and right behind it. The close code
// must arrive even though the client has sent more than the server reads, and everybody else goes on.
func TestInput(t *testing.T) {
	for _, n := range []transporttest.Network{transporttest.TCP, transporttest.TLS} {
		s := site(t, n, transporttest.Options{})
		witness := dial(t, s, s.Request(t, "GET", path, "", "Authorization", bearer(t, s)))
		for name, c := range map[string]struct {
			bytes []byte
			code  int // 0: closed without a frame
		}{
			"too big":            {frame(0x81, make([]byte, 4<<10+1)), 1009},
			"much too big":       {frame(0x82, make([]byte, 8<<20)), 1009},
			"too big in pieces":  {bytes.Join([][]byte{frame(0x01, make([]byte, 4<<10)), frame(0x80, make([]byte, 10))}, nil), 1009},
			"reserved bits":      {frame(0xf1, []byte("x")), 1002},
			"unknown opcode":     {frame(0x83, []byte("x")), 1002},
			"continuation first": {frame(0x80, []byte("x")), 1002},
			"long ping":          {frame(0x89, make([]byte, 126)), 1002},
			"cut ping":           {frame(0x09, nil), 1002},
			"close":              {frame(0x88, []byte{0x03, 0xe8}), 1000},
			"bad close":          {frame(0x88, []byte{0x03}), 1002},
			"not masked":         {[]byte{0x81, 0x01, 'x'}, 1002},
			"not a websocket":    {[]byte(strings.Repeat("GET / HTTP/1.1\r\n", 1000)), 1002},
		} {
			resp, conn, r := shake(t, s, "HTTP/1.1", goodHandshake, c.bytes...)
			if resp.StatusCode != 101 {
				t.Fatalf("%s: status %d", name, resp.StatusCode)
			}
			code, err := closeCode(r)
			if err != nil && c.code != 0 || code != c.code {
				t.Errorf("%s: close code %d, %v; want %d", name, code, err, c.code)
			}
			conn.Close()
		}
		for _, size := range []int{0, 1, 4 << 10} { // allowed, and for nothing
			_, conn, r := shake(t, s, "HTTP/1.1", goodHandshake, append(frame(0x81, make([]byte, size)), frame(0x89, []byte("hello"))...)...)
			if err := pong(r); err != nil {
				t.Errorf("after a message of %d bytes: %v", size, err)
			}
			conn.Close()
		}
		if f, err := witness.Next(); f.Kind != "state" {
			t.Errorf("the other client: %v", err)
		}
		witness.Close()
	}
}

// TestHalfClosed shuts the client's write side right behind the handshake.
func TestHalfClosed(t *testing.T) {
	s := site(t, transporttest.TCP, transporttest.Options{})
	_, conn, r := shake(t, s, "HTTP/1.1", goodHandshake)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	s.Logged.Await(t, 1, "code=gone")
}

// TestGorilla speaks to another implementation.
func TestGorilla(t *testing.T) {
	s := site(t, transporttest.TCP, transporttest.Options{})
	d := gorilla.Dialer{Subprotocols: []string{"tillbell.v1", "bearer." + s.Ticket(t, "p", time.Hour)}}
	conn, resp, err := d.Dial("ws"+strings.TrimPrefix(s.URL, "http")+path+"?ttl=200ms", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.Subprotocol() != "tillbell.v1" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", resp.Header)
	}
	var state, end struct{ Type, Code, Status, Position string }
	if err := conn.ReadJSON(&state); err != nil || state.Type != "state" || state.Status != "pending" || state.Position == "" {
		t.Errorf("%+v, %v", state, err)
	}
	if err := conn.ReadJSON(&end); err != nil || end.Type != "end" || end.Code != "expired" {
		t.Errorf("%+v, %v", end, err)
	}
	if _, _, err := conn.ReadMessage(); !gorilla.IsCloseError(err, 4410) {
		t.Error(err)
	}
}

// TestStopCuts has a client that does not answer the close frame, and a drain that is over before.
func TestStopCuts(t *testing.T) {
	tr := ws.New(nil, ws.Options{})
	w := wheel.New()
	defer w.Stop()
	s := transporttest.NewSite(t, transporttest.Options{
		Network: transporttest.TCP,
		Transports: func(w *wheel.Wheel) []transport.Transport {
			tr = ws.New(w, ws.Options{})
			return []transport.Transport{tr}
		},
	})
	_, _, r := shake(t, s, "HTTP/1.1", goodHandshake)
	if opcode, _, err := read(r); opcode != 1 || err != nil {
		t.Fatal(err)
	}
	s.Relay.Drain()
	if code, payload, err := read(r); code != 1 || !strings.Contains(string(payload), "closing") {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tr.Stop(ctx); err == nil || !strings.Contains(err.Error(), "1 connections cut") {
		t.Errorf("stop: %v", err)
	}
	if err := tr.Stop(t.Context()); err != nil {
		t.Errorf("stop once more: %v", err)
	}
	if code, err := closeCode(r); code != int(websocket.StatusGoingAway) {
		t.Logf("the cut came first: %v", err)
	}
}

// TestNoAnswer has a client that does not answer the close frame and does not leave.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Pipes, transporttest.Options{})
		_, _, r := shake(t, s, "HTTP/1.1", goodHandshake)
		go io.Copy(io.Discard, r)
		synctest.Wait()
		begin := time.Now()
		s.Stop(t)
		if took := time.Since(begin); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("stop took %s", took)
		}
	})
}
