package sse_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
)

var sent = transporttest.Answer{Status: 200, Frames: []string{"end"}}

var harness = transporttest.Harness{
	New:   func(w *wheel.Wheel) transport.Transport { return sse.New(w, sse.Options{}) },
	Open:  open,
	Query: true,
	Before: map[transporttest.Row]transporttest.Answer{
		transporttest.Done:     {Status: 204},
		transporttest.Expired:  {Status: 410},
		transporttest.Closing:  sent,
		transporttest.Full:     sent,
		transporttest.Crowded:  sent,
		transporttest.Internal: sent,
	},
}

func TestTransport(t *testing.T) { transporttest.Run(t, harness) }

// client reads an event stream the way a browser does (WHATWG HTML, section 9.2.6), but forgives nothing.
type client struct {
	resp  *http.Response
	lines *bufio.Reader
	block string // the text of the last block
	id    string // the last event id, as a browser keeps it
	retry int    // the last retry, in milliseconds
}

func open(t testing.TB, s *transporttest.Site, r *http.Request) transporttest.Client {
	t.Helper()
	resp, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return &client{resp: resp, lines: bufio.NewReader(resp.Body)}
}

func (c *client) Answer() *http.Response { return c.resp }

func (c *client) Close() { c.resp.Body.Close() }

// read returns the next block with its empty line.
func (c *client) read() (string, error) {
	for c.block = ""; ; {
		line, err := c.lines.ReadString('\n')
		c.block += line
		if err == io.EOF && c.block != "" {
			return "", fmt.Errorf("the stream ends amid %q", c.block)
		}
		if err != nil {
			return "", err
		}
		if line == "\n" {
			return c.block, nil
		}
	}
}

func (c *client) Next() (transporttest.Frame, error) {
	if c.resp.StatusCode >= 400 {
		return problem(c.lines)
	}
	block, err := c.read()
	if err != nil {
		return transporttest.Frame{}, err
	}
	if strings.HasPrefix(block, ":") { // the padding, behind the end
		if len(block) < 2<<10 {
			return transporttest.Frame{}, fmt.Errorf("padding of %d bytes", len(block))
		}
		return c.Next()
	}
	kind, data, id := "message", "", ""
	for line := range strings.Lines(strings.TrimSuffix(block, "\n")) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case ok && name == "event":
			kind = value
		case ok && name == "data" && data == "":
			data = value
		case ok && name == "id":
			id = value
		case ok && name == "retry":
			if _, err := fmt.Sscan(value, &c.retry); err != nil {
				return transporttest.Frame{}, err
			}
		default:
			return transporttest.Frame{}, fmt.Errorf("line %q", line)
		}
	}
	return c.frame(kind, data, id)
}

func (c *client) frame(kind, data, id string) (f transporttest.Frame, err error) {
	f.Kind = kind
	var end wire.End
	switch kind {
	case "state":
		err = json.Unmarshal([]byte(data), &f.State)
	case "message":
		f.Kind, f.Position = "event", id
		err = json.Unmarshal([]byte(data), &f.Event)
	case "end":
		err = json.Unmarshal([]byte(data), &end)
		f.Code = end.Code
	case "ping":
		if data == "" {
			err = fmt.Errorf("a ping without data")
		}
	default:
		err = fmt.Errorf("event %q", kind)
	}
	final := f.Code == "done" || f.Code == "expired"
	if (id != "") != (f.Kind == "event" || final) {
		err = fmt.Errorf("%s with the id %q", kind, id)
	}
	if id != "" {
		c.id = id
	}
	return f, err
}

// problem reads a problem, once.
func problem(r *bufio.Reader) (f transporttest.Frame, err error) {
	if _, err := r.Peek(1); err != nil {
		return f, err
	}
	var p transport.Problem
	err = json.NewDecoder(r).Decode(&p)
	return transporttest.Frame{Kind: "end", Code: p.Code}, err
}
