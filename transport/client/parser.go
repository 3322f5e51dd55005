package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxLine bounds a line of an event stream, and maxData the data of one event, in bytes: a frame of the server has a
// few hundred.
const (
	maxLine = 64 << 10
	maxData = 256 << 10
)

var errTooLong = errors.New("event stream: a line or an event is too long")

// message is one event of an event stream.
type message struct {
	event string // the type; "message" where the stream names none
	data  string
	id    string // the last event id at this point of the stream, see parser.id
}

// parser reads an event stream by the rules of WHATWG HTML, section 9.2.6.
type parser struct {
	// id is the last event id: what a reconnect carries. It stays over events that have none, and an event without
	// data, which is not dispatched, sets it too.
	id string
	// retry is the reconnection time that the stream asked for last, negative if it did not.
	retry time.Duration

	r       *bufio.Reader
	line    []byte
	skipLF  bool // the line before ended in CR: an LF that follows belongs to it
	started bool
}

func newParser(r io.Reader) *parser {
	return &parser{r: bufio.NewReader(r), retry: -1}
}

// next returns the next event. At the end of the stream it returns io.EOF, and an event that no blank line has ended
// is dropped.
func (p *parser) next() (message, error) {
	m := message{event: "message"}
	id := p.id
	var data strings.Builder
	var some bool
	for {
		line, err := p.readLine()
		if err != nil {
			return message{}, err
		}
		if len(line) == 0 {
			p.id = id
			if !some {
				m.event = "message"
				continue
			}
			m.data, m.id = data.String(), id
			return m, nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) { // a comment's is empty
		case "event":
			m.event = string(value)
			if m.event == "" {
				m.event = "message"
			}
		case "data":
			if some {
				data.WriteByte('\n')
			}
			some = true
			if data.Len()+len(value) > maxData {
				return message{}, errTooLong
			}
			data.Write(value)
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				id = string(value)
			}
		case "retry":
			p.setRetry(string(value))
		}
	}
}

// setRetry takes a value of digits alone. One that no clock can count is ignored too.
func (p *parser) setRetry(value string) {
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return
		}
	}
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil && ms <= int64(maxPause/time.Millisecond) {
		p.retry = time.Duration(ms) * time.Millisecond
	} else if err == nil || errors.Is(err, strconv.ErrRange) {
		p.retry = maxPause
	}
}

// readLine returns the next line without its end, which is LF, CR or CRLF. The slice is valid until the next call. A
// line that the stream's end cuts off is not returned.
func (p *parser) readLine() ([]byte, error) {
	p.line = p.line[:0]
	for {
		c, err := p.r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("event stream: %w", err)
		}
		if p.skipLF {
			p.skipLF = false
			if c == '\n' {
				continue
			}
		}
		if c == '\n' || c == '\r' {
			p.skipLF = c == '\r'
			if !p.started {
				p.started = true
				return bytes.TrimPrefix(p.line, []byte("\ufeff")), nil
			}
			return p.line, nil
		}
		if len(p.line) == maxLine {
			return nil, errTooLong
		}
		p.line = append(p.line, c)
	}
}
