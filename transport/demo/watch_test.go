package demo_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/demo/live"
)

// stream is an answer that goes on.
type stream struct {
	t     *testing.T
	resp  *http.Response
	lines *bufio.Reader
}

// get asks as the shop's page does, and reads no more than the head of the answer.
func (s *shop) get(t *testing.T, path string, header ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerTime)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", path, resp.Status)
	}
	return &stream{t, resp, bufio.NewReader(resp.Body)}
}

// data returns the data of the next frame that has some.
func (s *stream) data() string {
	s.t.Helper()
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return strings.TrimSpace(data)
		}
	}
}

// steps reads the live view of a payment until it has these steps, in any order.
func (s *shop) steps(t *testing.T, payment string, want ...string) []live.Step {
	t.Helper()
	view, missing := s.get(t, "/demo/live?payment="+payment), slices.Clone(want)
	var all []live.Step
	for len(missing) > 0 {
		var step live.Step
		if err := json.Unmarshal([]byte(view.data()), &step); err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(fmt.Sprintf("%s %s", step.Step, step.Transport))
		i := slices.Index(missing, text)
		if i < 0 {
			t.Fatalf("step %+v, want %q of %q", step, missing, want)
		}
		missing, all = slices.Delete(missing, i, i+1), append(all, step)
	}
	return all
}

// refusedThenPaid is what the page sees of a forged callback and of one that comes twice, beside who was told.
var refusedThenPaid = []string{
	"received", "refused", "received", "verified", "stored", "acknowledged", "received", "verified", "duplicate", "acknowledged",
}

// TestLive: what the page sees is what happened, in the route and to a waiter of each transport.
func TestLive(t *testing.T) {
	s := newShop(t)
	for _, transport := range []string{"sse", "ws", "poll", "snapshot"} {
		o := s.order(t, "stripe")
		bearer := "Bearer " + o.Ticket
		path := "/v1/payments/" + o.Payment
		switch transport { // which waits before, and is told after this
		case "sse":
			s.get(t, path+"/sse", "Authorization", bearer).data()
		case "ws":
			s.dial(t, path+"/ws", o.Ticket)
		}
		s.faulty(t, o, relay.Paid, "bad-signature")
		s.faulty(t, o, relay.Paid, "duplicate")
		switch transport { // which asks afterwards
		case "poll":
			s.get(t, path+"/poll", "Authorization", bearer)
		case "snapshot":
			s.get(t, path, "Authorization", bearer)
		}
		for _, step := range s.steps(t, o.Payment, append(refusedThenPaid, "told "+transport)...) {
			if _, err := time.Parse(time.RFC3339Nano, step.At); err != nil || step.Source != "stripe" || step.Micros < 0 {
				t.Errorf("%+v", step)
			}
			if text := fmt.Sprint(step); strings.Contains(text, o.Ticket) || strings.Contains(text, "v1=") {
				t.Errorf("a secret in %s", text)
			}
		}
	}
}

// dial opens a WebSocket and reads the state.
func (s *shop) dial(t *testing.T, path, ticket string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), s.url+path, &websocket.DialOptions{
		Subprotocols: []string{"tillbell.v1", "bearer." + ticket}, HTTPHeader: http.Header{"Origin": {s.url}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	if _, text, err := c.Read(t.Context()); err != nil || !strings.Contains(string(text), `"type":"state"`) {
		t.Fatalf("%s, %v; want the state", text, err)
	}
	return c
}

// TestLivePostedFromElsewhere: a callback that came over the network is seen like the shop's own.
func TestLivePostedFromElsewhere(t *testing.T) {
	s := newShop(t)
	o := s.order(t, "stripe")
	view := s.get(t, "/demo/live?payment="+o.Payment)
	post := func(body string) {
		t.Helper()
		resp, text := s.do(t, "POST", "/v1/callbacks/stripe", body)
		if resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s %s", resp.Status, text)
		}
	}
	post("{}")
	for _, want := range []string{`"step":"received"`, `"step":"refused"`} {
		if data := view.data(); !strings.Contains(data, want) {
			t.Errorf("the page sees %s, want %s", data, want)
		}
	}
	s.pay(t, o, relay.Paid)
	s.steps(t, o.Payment, "received", "verified", "stored", "acknowledged") // what proved nothing is not its own
}

// TestLine: the page's line to the server can be cut and frozen, over each transport, and the outcome is there afterwards.
func TestLine(t *testing.T) {
	s := newShop(t)
	o := s.order(t, "stripe")
	bearer, line := "Bearer "+o.Ticket, "/demo/line/v1/payments/"+o.Payment
	do := func(what string, connections int) {
		t.Helper()
		var answer struct{ Connections int }
		s.post(t, "/demo/line", fmt.Sprintf(`{"payment":%q,"do":%q}`, o.Payment, what), http.StatusOK, &answer)
		if answer.Connections != connections {
			t.Errorf("%s: %d connections, want %d", what, answer.Connections, connections)
		}
	}
	snapshot := func() string {
		t.Helper()
		text, err := io.ReadAll(s.get(t, line, "Authorization", bearer).lines)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	sse, ws := s.get(t, line+"/sse", "Authorization", bearer), s.dial(t, line+"/ws", o.Ticket)
	sse.data()
	do("cut", 2)
	if text, err := io.ReadAll(sse.lines); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the stream reads %q, %v; want a reset", text, err)
	}
	if _, text, err := ws.Read(t.Context()); err == nil {
		t.Errorf("the WebSocket reads %q", text)
	}

	sse = s.get(t, line+"/sse", "Authorization", bearer)
	sse.data()
	do("freeze", 1)
	s.pay(t, o, relay.Paid)
	s.steps(t, o.Payment, "received", "verified", "stored", "acknowledged", "told sse") // as far as the server knows
	do("thaw", 1)
	if data := sse.data(); !strings.Contains(data, "payment.paid") {
		t.Errorf("the stream has %s", data)
	}
	if text := snapshot(); !strings.Contains(text, `"status":"paid"`) {
		t.Errorf("the snapshot is %s", text)
	}
	resp, text := s.do(t, "GET", line, "", "Origin", "")
	wantProblem(t, "without a ticket", resp, text, http.StatusUnauthorized, "unauthorized")
}

// TestDrain: neither a page that looks on nor one behind a frozen line holds up the end of the server, and each hears of
// it.
func TestDrain(t *testing.T) {
	var view, sse *stream
	var ws *websocket.Conn
	t.Run("server", func(inner *testing.T) { // which has stopped when this has run
		s := newShop(inner)
		o := s.order(t, "stripe")
		bearer, line := "Bearer "+o.Ticket, "/demo/line/v1/payments/"+o.Payment
		view = s.get(t, "/demo/live?payment="+o.Payment)
		sse, ws = s.get(t, line+"/sse", "Authorization", bearer), s.dial(t, line+"/ws", o.Ticket)
		sse.data()
		var answer struct{}
		s.post(t, "/demo/line", fmt.Sprintf(`{"payment":%q,"do":"freeze"}`, o.Payment), http.StatusOK, &answer)
	})
	if _, err := io.ReadAll(view.lines); err != nil {
		t.Errorf("the view ends with %v", err)
	}
	if text, err := io.ReadAll(sse.lines); err != nil || !strings.Contains(string(text), `"closing"`) {
		t.Errorf("the stream ends with %s, %v", text, err)
	}
	if _, text, err := ws.Read(t.Context()); err != nil || !strings.Contains(string(text), `"closing"`) {
		t.Errorf("the WebSocket ends with %s, %v", text, err)
	}
}
