package generator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// ask opens a connection and asks for the wait. Who calls it closes the connection.
func (s *stream) ask(ctx context.Context, path string, h http.Header) (net.Conn, *bufio.Reader, *http.Response, error) {
	nc, err := s.door.open(ctx)
	if err != nil {
		s.door.ail()
		return nil, nil, nil, err
	}
	h.Set("Authorization", "Bearer "+s.ticket)
	if !s.conn.Cursor.IsZero() {
		h.Set("Last-Event-ID", s.conn.Cursor.String())
	}
	_ = nc.SetDeadline(time.Now().Add(silence))
	if _, err := nc.Write(render(http.MethodGet, "/v1/payments/"+s.payment+path, s.door.address, h, nil)); err != nil {
		return nc, nil, nil, err
	}
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		s.door.ail()
	}
	return nc, r, resp, err
}

// sse reads an event stream.
func (s *stream) sse(ctx context.Context) error {
	nc, _, resp, err := s.ask(ctx, "/sse", http.Header{"Accept": {"text/event-stream"}})
	if nc != nil {
		defer nc.Close()
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNoContent:
		s.end("done")
		return nil
	case http.StatusOK:
	default:
		return errStatus
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	lines := bufio.NewReader(resp.Body)
	var kind, id string
	var data []byte
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		_ = nc.SetReadDeadline(time.Now().Add(silence))
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "id":
			id = string(value)
		case "data":
			data = append(data[:0], value...)
		case "":
			if len(line) > 2 { // a comment
				continue
			}
			if over, err := s.dispatch(kind, id, data); over || err != nil {
				return err
			}
			kind, id, data = "", "", data[:0]
		}
	}
}

// dispatch takes one event of an event stream. over says that it is the last.
func (s *stream) dispatch(kind, id string, data []byte) (over bool, err error) {
	switch {
	case len(data) == 0: // a retry alone
		return false, nil
	case kind == "end":
		return s.ended(data)
	case kind == "state":
		var snapshot wire.Snapshot
		if err := json.Unmarshal(data, &snapshot); err != nil {
			return true, err
		}
		s.state(seen(&snapshot))
	case kind == "":
		var e wire.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return true, err
		}
		s.event(told(id, &e))
	}
	if s.restless {
		return true, errLeft
	}
	return false, nil
}

func (s *stream) ended(data []byte) (bool, error) {
	var end wire.End
	if err := json.Unmarshal(data, &end); err != nil {
		return true, err
	}
	s.end(end.Code)
	if end.Code != "done" {
		return true, errStatus
	}
	return true, nil
}

// ws reads a WebSocket.
func (s *stream) ws(ctx context.Context) error {
	nc, r, resp, err := s.ask(ctx, "/ws", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-WebSocket-Version": {"13"}, "Sec-WebSocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Sec-WebSocket-Protocol": {"tillbell.v1"}})
	if nc != nil {
		defer nc.Close()
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return errStatus
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	var buf []byte
	for {
		op, payload, rest, done, err := message.NextFrame(buf)
		if err != nil {
			return err
		}
		if !done {
			if buf, err = more(r, buf); err != nil {
				return err
			}
			_ = nc.SetReadDeadline(time.Now().Add(silence))
			continue
		}
		buf = rest
		switch op {
		case message.OpClose:
			return io.EOF
		case message.OpText:
			if over, err := s.frame(payload); over || err != nil {
				return err
			}
		}
	}
}

// more appends what can be read without waiting for more than one byte.
func more(r *bufio.Reader, buf []byte) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return buf, err
	}
	b, err := r.Peek(r.Buffered())
	if err != nil {
		return buf, err
	}
	buf = append(buf[:len(buf):len(buf)], b...)
	_, err = r.Discard(len(b))
	return buf, err
}

// frame takes one message of a WebSocket. over says that it is the last.
func (s *stream) frame(data []byte) (over bool, err error) {
	var m wire.Message
	if err := json.Unmarshal(data, &m); err != nil {
		return true, err
	}
	switch {
	case m.Type == "end":
		return s.ended(data)
	case m.Type == "state" && m.Snapshot != nil:
		snapshot := *m.Snapshot
		snapshot.Position = m.Position // which JSON gives to the outer member of that name
		s.state(seen(&snapshot))
	case m.Type == "event" && m.Event != nil:
		s.event(told(m.Position, m.Event))
	}
	if s.restless {
		return true, errLeft
	}
	return false, nil
}

// poll makes one long poll.
func (s *stream) poll(ctx context.Context) error {
	nc, _, resp, err := s.ask(ctx, "/poll?wait=3s", http.Header{})
	if nc != nil {
		defer nc.Close()
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errStatus
	}
	var answer wire.Poll
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	for i := range answer.Events {
		s.event(told("", &answer.Events[i]))
	}
	s.state(seen(&answer.State))
	s.cursor, _ = relay.ParsePosition(answer.Position)
	if answer.End != nil {
		s.end(answer.End.Code)
	}
	if s.restless {
		return errLeft
	}
	return nil
}
