package ws

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/wire"
)

// converse writes the frames and then what comes into the inbox, until the end, while another goroutine reads: control frames are answered
// and anything else is thrown away.
func (t *Transport) converse(c *websocket.Conn, raw *conn, inbox *transport.Inbox, frames []transport.Frame) {
	c.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var reader sync.WaitGroup
	defer reader.Wait()
	defer c.CloseNow() // the peer has gone by then, or was closed properly; either way there is nothing to report
	reader.Go(func() {
		defer cancel()
		discard(ctx, c)
	})
	var beat wheel.Timer
	defer t.wheel.Cancel(&beat)
	for {
		for _, f := range frames {
			if err := t.write(ctx, c, f); err != nil {
				inbox.Close(err)
				return
			}
			if f.End != nil {
				end := transport.EndOf(f.End)
				raw.hurry()
				_ = c.Close(websocket.StatusCode(end.Close), end.Code) // fails if the peer was faster to leave
				return
			}
		}
		t.wheel.Set(&beat, time.Now().Add(t.opts.Heartbeat), inbox)
		select {
		case <-inbox.Wake():
			frames = inbox.Take()
		case <-ctx.Done():
			inbox.Close(relay.ErrGone)
			return
		}
	}
}

// discard reads until the connection ends.
func discard(ctx context.Context, c *websocket.Conn) {
	for {
		_, r, err := c.Reader(ctx)
		if err != nil {
			return
		}
		if _, err = io.Copy(io.Discard, r); err != nil {
			return
		}
	}
}

// write writes one frame. The error says what it tells of the client: relay.ErrSlow or relay.ErrGone.
func (t *Transport) write(ctx context.Context, c *websocket.Conn, f transport.Frame) error {
	ctx, cancel := context.WithTimeout(ctx, t.opts.WriteTimeout)
	defer cancel()
	switch err := c.Write(ctx, websocket.MessageText, wire.Marshal(message(f))); {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return relay.ErrSlow
	}
	return relay.ErrGone
}

func message(f transport.Frame) wire.Message {
	switch {
	case f.State != nil:
		s := wire.NewSnapshot(*f.State)
		return wire.Message{Type: "state", Snapshot: &s, Position: s.Position}
	case f.Told != nil:
		e := wire.NewEvent(f.Told.Event)
		return wire.Message{Type: "event", Position: f.Told.Position.String(), Event: &e}
	case f.End != nil:
		return wire.Message{Type: "end", Code: transport.EndOf(f.End).Code}
	}
	return wire.Message{Type: "ping"}
}
