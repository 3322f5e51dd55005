package message

import (
	"bytes"
	"errors"
)

// ErrChunk is a body whose chunks do not follow RFC 9112, section 7.1.
var ErrChunk = errors.New("message: not a chunked body")

// Chunks takes a chunked body apart that comes in pieces. The zero value is at the start of a body. It is small
// because every waiter has one.
type Chunks struct {
	left  uint32 // of the chunk; on a size line, the size so far
	state chunkState
}

type chunkState uint8

const (
	chunkSize      chunkState = iota // on a size line, before any digit
	chunkDigits                      // on a size line
	chunkExtension                   // on a size line, behind the size
	chunkData
	chunkEnd  // on the empty line behind the data
	chunkLast // on the empty line behind the last chunk
)

// Next returns the next piece of the body, which may be empty, and what of b is not read yet. end is true behind the
// last chunk; trailers are not known. Call it until rest is empty.
func (c *Chunks) Next(b []byte) (data, rest []byte, end bool, err error) {
	for len(b) > 0 {
		switch c.state {
		case chunkData:
			n := min(int(c.left), len(b))
			if c.left -= uint32(n); c.left == 0 {
				c.state = chunkEnd
			}
			return b[:n], b[n:], false, nil
		case chunkEnd, chunkLast:
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				return nil, nil, false, nil
			}
			if c.state == chunkLast {
				return nil, b[i+1:], true, nil
			}
			b, c.state = b[i+1:], chunkSize
		default:
			if err := c.size(b[0]); err != nil {
				return nil, nil, false, err
			}
			b = b[1:]
		}
	}
	return nil, nil, false, nil
}

// size takes one byte of a size line.
func (c *Chunks) size(b byte) error {
	d, ok := digit(b)
	switch {
	case b == '\n' && c.state == chunkSize:
		return ErrChunk
	case b == '\n' && c.left == 0:
		c.state = chunkLast
	case b == '\n':
		c.state = chunkData
	case c.state == chunkExtension:
	case ok && c.left >= 1<<28:
		return ErrChunk
	case ok:
		c.left, c.state = c.left<<4|uint32(d), chunkDigits
	case c.state == chunkDigits:
		c.state = chunkExtension
	default:
		return ErrChunk
	}
	return nil
}
