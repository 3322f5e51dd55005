package network

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
)

// goSilent passes the 101 on and what the browser says, and nothing of what the server says.
func goSilent(r *http.Response) error {
	r.Body = newMute(r, nil)
	return nil
}

// passEvent passes on the event stream up to its first event, and nothing afterwards.
func passEvent(r *http.Response) error { return passFirst(r, firstEvent) }

// passMessage passes the 101 on and the first message, and nothing afterwards.
func passMessage(r *http.Response) error { return passFirst(r, firstMessage) }

func passFirst(r *http.Response, read func(*bufio.Reader) ([]byte, error)) error {
	body := r.Body // which what runs when the browser goes away must not look up: it is another one by then
	defer context.AfterFunc(r.Request.Context(), func() { body.Close() })()
	first, err := read(bufio.NewReader(body))
	if err != nil {
		return fmt.Errorf("first frame: %w", err)
	}
	r.Body = newMute(r, first)
	return nil
}

// firstEvent reads all of an event stream until the first event with data is complete.
func firstEvent(r *bufio.Reader) ([]byte, error) {
	var all []byte
	for data := false; ; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		all = append(all, line...)
		data = data || bytes.HasPrefix(line, []byte("data:"))
		if data && len(bytes.TrimRight(line, "\r\n")) == 0 {
			return all, nil
		}
	}
}

// firstMessage reads a message of a server, which is not masked (RFC 6455, section 5.2). Messages of 64 KiB and more are
// not known here.
func firstMessage(r *bufio.Reader) ([]byte, error) {
	const length2, length8 = 126, 127
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	size := 2 + int(head[1])
	switch head[1] {
	case length2:
		if head, err = r.Peek(4); err != nil {
			return nil, err
		}
		size = 4 + int(binary.BigEndian.Uint16(head[2:]))
	case length8:
		return nil, fmt.Errorf("a message of more than 64 KiB")
	}
	message := make([]byte, size)
	_, err = io.ReadFull(r, message)
	return message, err
}

// A mute says its first words and nothing afterwards, without an end, until it is closed or the browser goes away. What
// is behind it is read, so that nobody there notices.
type mute struct {
	io.Writer // for upgrades
	first     *bytes.Reader
	body      io.ReadCloser
	gone      context.Context // of the request; an upgraded connection is closed instead
	cancel    context.CancelFunc
}

func newMute(r *http.Response, first []byte) *mute {
	m := &mute{first: bytes.NewReader(first), body: r.Body}
	m.gone, m.cancel = context.WithCancel(r.Request.Context())
	m.Writer, _ = r.Body.(io.Writer)
	return m
}

func (m *mute) Read(b []byte) (int, error) {
	if m.first.Len() > 0 {
		return m.first.Read(b)
	}
	_, _ = io.Copy(io.Discard, m.body)
	<-m.gone.Done()
	return 0, m.gone.Err()
}

func (m *mute) Close() error {
	m.cancel()
	return m.body.Close()
}
