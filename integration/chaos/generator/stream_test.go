package generator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/relay"
)

const (
	stateJSON = `{"payment":"order-1","status":"pending","final":false,"conflict":false,"position":"e.3"}`
	eventJSON = `{"specversion":"1.0","id":"erp:1","source":"/sources/erp","type":"payment.paid","subject":"order-1","time":"",` +
		`"data":{"payment":"order-1","status":"paid","final":true,"amount":"12.00"}}`
)

// frame returns a server's text frame of up to 64 KiB.
func frame(text string) string {
	if len(text) < 126 {
		return "\x81" + string(byte(len(text))) + text
	}
	return "\x81\x7e" + string([]byte{byte(len(text) >> 8), byte(len(text))}) + text
}

// node is a server that tells a state, an event and the end by each transport.
func node(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/payments/order-1/sse", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "e.9" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		fmt.Fprintf(w, "retry: 1000\n\nevent: state\ndata: %s\n\n", stateJSON)
		w.(http.Flusher).Flush()
		fmt.Fprintf(w, "event: ping\ndata: {}\n\nid: e.4\ndata: %s\n\nid: e.4.end\nevent: end\ndata: {\"code\":\"done\"}\n\n:::\n\n", eventJSON)
	})
	mux.HandleFunc("GET /v1/payments/order-1/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"+
			frame(`{"type":"state",`+stateJSON[1:])+frame(`{"type":"ping"}`)+
			frame(`{"type":"event","position":"e.4","event":`+eventJSON+`}`)+frame(`{"type":"end","code":"done"}`)+"\x88\x02\x03\xe8")
	})
	mux.HandleFunc("GET /v1/payments/order-1/poll", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"events":[%s],"state":%s,"position":"e.4","end":{"code":"done"}}`, eventJSON, stateJSON)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestStreams reads the same from every transport.
func TestStreams(t *testing.T) {
	s := node(t)
	g := New(options(t, address(s)), new(history.Findings))
	for _, transport := range transports {
		c := &stream{g: g, payment: "order-1", ticket: "x", door: g.doors[0], conn: history.Conn{Transport: transport}}
		if err := c.run(t.Context()); err != nil {
			t.Errorf("%s: %v", transport, err)
		}
		want := []string{"state pending e.3", "event erp:1 paid 12.00 order-1 e.4", "end done"}
		if transport == "poll" { // the answer gives the events first, without their positions
			want = []string{"event erp:1 paid 12.00 order-1 ", "state pending e.3", "end done"}
		}
		if got := texts(c.conn.Frames); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", transport, got, want)
		}
		if !c.outcome || c.cursor.String() != "e.4" {
			t.Errorf("%s: outcome %v, cursor %v", transport, c.outcome, c.cursor)
		}
	}
}

func texts(frames []history.Frame) []string {
	var all []string
	for _, f := range frames {
		switch {
		case f.State != nil:
			all = append(all, fmt.Sprintf("state %s %s", f.State.Status, f.State.Position))
		case f.Event != nil:
			all = append(all, strings.Join([]string{"event", f.Event.ID, string(f.Event.Status), string(f.Event.Amount), f.Event.Payment, f.Event.Position.String()}, " "))
		default:
			all = append(all, "end "+f.End)
		}
	}
	return all
}

// TestRestless leaves after the first frame.
func TestRestless(t *testing.T) {
	s := node(t)
	g := New(options(t, address(s)), new(history.Findings))
	for _, transport := range []string{"sse", "ws"} {
		c := &stream{g: g, payment: "order-1", door: g.doors[0], restless: true, conn: history.Conn{Transport: transport}}
		if err := c.run(t.Context()); err != errLeft || len(c.conn.Frames) != 1 {
			t.Errorf("%s: %v after %q", transport, err, texts(c.conn.Frames))
		}
	}
}

// TestKnown is the 204 of a client whose cursor is behind the outcome.
func TestKnown(t *testing.T) {
	s := node(t)
	g := New(options(t, address(s)), new(history.Findings))
	c := &stream{g: g, payment: "order-1", door: g.doors[0], conn: history.Conn{Transport: "sse", Cursor: relay.Position{Epoch: "e", Seq: 9}}}
	if err := c.run(t.Context()); err != nil || !slices.Equal(texts(c.conn.Frames), []string{"end done"}) {
		t.Errorf("%v, %q", err, texts(c.conn.Frames))
	}
}

// TestSilent gives a run's end to connections that tell nothing.
func TestSilent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "event: state\ndata: %s\n\n", stateJSON)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	g := New(options(t, address(s)), new(history.Findings))
	c := &stream{g: g, payment: "order-1", door: g.doors[0], conn: history.Conn{Transport: "sse"}}
	if err := c.run(ctx); err == nil || len(c.conn.Frames) > 1 {
		t.Errorf("%v after %q", err, texts(c.conn.Frames))
	}
}
