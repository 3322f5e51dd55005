package ws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
	"github.com/tillbell/tillbell/transport/ws"
)

var ended = transporttest.Answer{Status: 101, Frames: []string{"end"}}

var harness = transporttest.Harness{
	New:    func(w *wheel.Wheel) transport.Transport { return ws.New(w, ws.Options{}) },
	Open:   open,
	Closes: true,
	Before: map[transporttest.Row]transporttest.Answer{
		transporttest.Done:     {Status: 101, Frames: []string{"state", "end"}},
		transporttest.Expired:  ended,
		transporttest.Closing:  ended,
		transporttest.Full:     {Status: 503, RetryAfter: true},
		transporttest.Crowded:  {Status: 429, RetryAfter: true},
		transporttest.Internal: ended,
	},
}

func TestTransport(t *testing.T) { transporttest.Run(t, harness) }

type client struct {
	resp *http.Response
	conn *websocket.Conn // nil if the handshake was refused
	over bool            // the end was told
}

func open(t testing.TB, s *transporttest.Site, r *http.Request) transporttest.Client {
	t.Helper()
	return dial(t, s, r, ws.Subprotocol)
}

func dial(t testing.TB, s *transporttest.Site, r *http.Request, protocols ...string) *client {
	t.Helper()
	conn, resp, err := websocket.Dial(t.Context(), r.URL.String(), &websocket.DialOptions{
		HTTPClient: s.Client, HTTPHeader: r.Header, Subprotocols: protocols,
	})
	if err != nil && (resp == nil || resp.StatusCode == http.StatusSwitchingProtocols) {
		t.Fatal(err)
	}
	return &client{resp: resp, conn: conn}
}

func (c *client) Answer() *http.Response { return c.resp }

func (c *client) Close() {
	if c.conn != nil {
		c.conn.CloseNow()
	}
}

func (c *client) Next() (f transporttest.Frame, err error) {
	if c.over {
		return f, io.EOF
	}
	if c.conn == nil {
		return c.refused()
	}
	kind, text, err := c.conn.Read(context.Background())
	if err != nil {
		return f, err
	}
	if kind != websocket.MessageText {
		return f, fmt.Errorf("a message that is not text: %s", text)
	}
	var m wire.Message
	if err := json.Unmarshal(text, &m); err != nil {
		return f, err
	}
	f.Kind, f.Position, f.Code = m.Type, m.Position, m.Code
	switch {
	case m.Type == "state" && m.Snapshot != nil:
		f.State = *m.Snapshot
		f.State.Position = m.Position
	case m.Type == "event" && m.Event != nil:
		f.Event = *m.Event
	case m.Type == "ping":
	case m.Type == "end":
		c.over = true // the close frame must come next
		_, _, err := c.conn.Read(context.Background())
		f.Close = int(websocket.CloseStatus(err))
	default:
		return f, fmt.Errorf("message %s", text)
	}
	return f, nil
}

// refused tells a problem as a frame, once.
func (c *client) refused() (f transporttest.Frame, err error) {
	c.over = true
	var p transport.Problem
	err = json.NewDecoder(c.resp.Body).Decode(&p)
	return transporttest.Frame{Kind: "end", Code: p.Code}, err
}
