package message

import (
	"bytes"
	"errors"
	"strconv"
)

// maxHead bounds the head of an answer, in bytes.
const maxHead = 64 << 10

// ErrHead is an answer whose head is no HTTP/1.1 head or is longer than 64 KiB.
var ErrHead = errors.New("message: not the head of an HTTP/1.1 answer")

// A Head is what the generator needs of an answer's status line and header.
type Head struct {
	Status  int
	Length  int  // Content-Length, -1 if there is none
	Chunked bool // the body comes in chunks (RFC 9112, section 7.1)
	Close   bool // the server closes the connection behind the answer
}

// ParseHead reads the head at the start of b and returns what follows it. done is false as long as the head is not
// whole; call again with all of it and more.
func ParseHead(b []byte) (h Head, rest []byte, done bool, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > maxHead {
			return h, nil, false, ErrHead
		}
		return h, nil, false, nil
	}
	line, fields, _ := bytes.Cut(b[:end+2], []byte("\r\n"))
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return h, nil, false, ErrHead
	}
	if h.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, nil, false, ErrHead
	}
	h.Length = -1
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		h.field(line)
	}
	return h, b[end+4:], true, nil
}

func (h *Head) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("content-length")):
		if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 {
			h.Length = n
		}
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		h.Chunked = bytes.EqualFold(value, []byte("chunked"))
	case bytes.EqualFold(name, []byte("connection")):
		h.Close = bytes.EqualFold(value, []byte("close"))
	}
}

// ParseAnswer reads a whole answer to a callback. done is false as long as it is not whole; call again with all of it
// and more. An answer that only the end of the connection completes counts as whole with its head, and has Close set.
func ParseAnswer(b []byte) (h Head, done bool, err error) {
	h, body, done, err := ParseHead(b)
	switch {
	case !done || err != nil, h.Status == 204, h.Status == 304:
		return h, done, err
	case h.Chunked:
		var c Chunks
		for {
			var end bool
			if _, body, end, err = c.Next(body); err != nil || end {
				return h, end, err
			} else if len(body) == 0 {
				return h, false, nil
			}
		}
	case h.Length >= 0:
		return h, len(body) >= h.Length, nil
	}
	h.Close = true
	return h, true, nil
}
