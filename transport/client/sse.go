package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tillbell/tillbell/transport/wire"
)

// sse reads an event stream.
func (l *leg) sse(ctx context.Context) error {
	r, err := l.request(ctx, l.at.route("sse", nil))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "identity") // what compresses a stream mostly buffers it
	if l.cursor != "" {
		r.Header.Set("Last-Event-ID", l.cursor)
	}
	resp, err := l.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNoContent: // the cursor had the outcome
		return &ended{code: Done}
	case resp.StatusCode != http.StatusOK:
		return refusal(resp)
	case !is(resp, "text/event-stream"):
		return errors.New("the answer is not an event stream")
	}
	p := newParser(resp.Body)
	for {
		m, err := p.next()
		l.retry = p.retry
		if errors.Is(err, io.EOF) {
			return errClosed
		}
		if err != nil {
			return err
		}
		if err := l.take(ctx, m); err != nil {
			return err
		}
	}
}

// take tells one event of the stream. The error ends the connection. Types that are not known are passed over.
func (l *leg) take(ctx context.Context, m message) error {
	switch m.event {
	case "state":
		var s wire.Snapshot
		if err := read(m.data, &s); err != nil {
			return err
		}
		if err := recognise(s); err != nil {
			return err
		}
		return l.tell(ctx, news{state: &s})
	case "message":
		var e wire.Event
		if err := read(m.data, &e); err != nil {
			return err
		}
		return l.tell(ctx, news{event: &e, position: m.id})
	case "ping":
		return l.tell(ctx, news{beat: true})
	case "end":
		var end wire.End
		if err := read(m.data, &end); err != nil {
			return err
		}
		return &ended{code: end.Code, after: l.retry}
	}
	return nil
}

func read(data string, v any) error {
	if err := json.Unmarshal([]byte(data), v); err != nil {
		return fmt.Errorf("read a frame: %w", err)
	}
	return nil
}
