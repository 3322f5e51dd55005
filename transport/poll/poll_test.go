package poll_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
)

var harness = transporttest.Harness{
	New:   func(*wheel.Wheel) transport.Transport { return poll.New(poll.Options{}) },
	Open:  open,
	Polls: true,
	Before: map[transporttest.Row]transporttest.Answer{
		transporttest.Done:     {Status: 200, Frames: []string{"state", "end"}},
		transporttest.Expired:  {Status: 410},
		transporttest.Closing:  {Status: 503, RetryAfter: true},
		transporttest.Full:     {Status: 503, RetryAfter: true},
		transporttest.Crowded:  {Status: 429, RetryAfter: true},
		transporttest.Internal: {Status: 500},
	},
}

func TestTransport(t *testing.T) { transporttest.Run(t, harness) }

// client polls, at first without waiting and then for a minute each time, and takes the answers apart into frames.
type client struct {
	t      testing.TB
	site   *transporttest.Site
	cancel context.CancelFunc
	begun  *http.Request

	mu       sync.Mutex
	first    *http.Response
	frames   []transporttest.Frame
	position string
	conflict bool
	over     bool
}

func open(t testing.TB, s *transporttest.Site, r *http.Request) transporttest.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	c := &client{t: t, site: s, cancel: cancel, begun: r.WithContext(ctx)}
	resp, err := c.ask("0s")
	if err != nil {
		t.Fatal(err)
	}
	c.first = resp
	return c
}

// ask polls once.
func (c *client) ask(wait string) (*http.Response, error) {
	r := c.begun.Clone(c.begun.Context())
	q := r.URL.Query()
	q.Set("wait", wait)
	if c.position != "" {
		r.Header.Del("Last-Event-ID")
		q.Set("after", c.position)
	}
	r.URL.RawQuery = q.Encode()
	resp, err := c.site.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.split(resp.StatusCode, body)
	return resp, nil
}

func (c *client) split(status int, body []byte) {
	var p transport.Problem
	if status != http.StatusOK {
		c.over = true
		if err := json.Unmarshal(body, &p); err != nil {
			c.t.Errorf("status %d: %v", status, err)
		}
		c.frames = append(c.frames, transporttest.Frame{Kind: "end", Code: p.Code})
		return
	}
	var a wire.Poll
	if err := json.Unmarshal(body, &a); err != nil || a.Events == nil || !bytes.Contains(body, []byte(`"end":`)) {
		c.t.Errorf("answer %s: %v", body, err)
	}
	if c.position == "" || a.State.Conflict && !c.conflict {
		c.frames = append(c.frames, transporttest.Frame{Kind: "state", State: a.State})
	}
	c.conflict, c.position = a.State.Conflict, a.Position
	for _, e := range a.Events {
		c.frames = append(c.frames, transporttest.Frame{Kind: "event", Position: a.Position, Event: e})
	}
	if a.End != nil {
		c.over = true
		c.frames = append(c.frames, transporttest.Frame{Kind: "end", Code: a.End.Code})
	}
}

func (c *client) Answer() *http.Response { return c.first }

func (c *client) Close() { c.cancel() }

func (c *client) Next() (transporttest.Frame, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.frames) == 0 {
		if c.over {
			return transporttest.Frame{}, io.EOF
		}
		if _, err := c.ask("60s"); err != nil {
			return transporttest.Frame{}, err
		}
	}
	f := c.frames[0]
	c.frames = c.frames[1:]
	return f, nil
}
