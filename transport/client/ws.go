package client

import (
	"context"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/transport/wire"
)

// subprotocol is what the server speaks.
const subprotocol = "tillbell.v1"

// goodbye bounds how long the close frame is waited for once the end was told.
const goodbye = time.Second

// ws reads WebSocket messages.
func (l *leg) ws(ctx context.Context) error {
	query := url.Values{}
	if l.cursor != "" {
		query.Set("after", l.cursor)
	}
	conn, resp, err := websocket.Dial(ctx, l.at.route("ws", query), &websocket.DialOptions{
		HTTPClient:   l.http,
		HTTPHeader:   l.header(),
		Subprotocols: []string{subprotocol},
	})
	if err != nil {
		if resp != nil && resp.StatusCode >= 300 {
			return refusal(resp) // Dial has read the body and closed it
		}
		return err
	}
	defer conn.CloseNow() // the peer has gone by then, or the wait is over: there is nothing to report
	conn.SetReadLimit(maxData)
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var m wire.Message
		if err := read(string(data), &m); err != nil {
			return err
		}
		if m.Type == "end" {
			parting, cancel := context.WithTimeout(ctx, goodbye)
			defer cancel()
			_, _, _ = conn.Read(parting) // answers the close frame
			return &ended{code: m.Code}
		}
		if err := l.pass(ctx, m); err != nil {
			return err
		}
	}
}

// pass tells one message. The error ends the connection. Types that are not known are passed over.
func (l *leg) pass(ctx context.Context, m wire.Message) error {
	switch {
	case m.Type == "state" && m.Snapshot != nil:
		s := *m.Snapshot
		s.Position = m.Position // the outer member takes the name
		if err := recognise(s); err != nil {
			return err
		}
		return l.tell(ctx, news{state: &s})
	case m.Type == "event" && m.Event != nil:
		return l.tell(ctx, news{event: m.Event, position: m.Position})
	case m.Type == "ping":
		return l.tell(ctx, news{beat: true})
	}
	return nil
}
