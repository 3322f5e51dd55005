package sse

import (
	"strconv"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/park"
)

// codec is the park.Codec of event streams over HTTP/1.1: each frame is a chunk of the response (RFC 9112, section 7.1).
type codec struct{}

// AppendState appends the snapshot.
func (codec) AppendState(b []byte, s *relay.State) []byte {
	b, at := openChunk(b)
	return closeChunk(appendState(b, s), at)
}

// AppendEvent appends an event.
func (codec) AppendEvent(b []byte, t *relay.Told) []byte {
	b, at := openChunk(b)
	return closeChunk(appendEvent(b, t), at)
}

// AppendPing appends a heartbeat.
func (codec) AppendPing(b []byte) []byte {
	b, at := openChunk(b)
	return closeChunk(appendPing(b), at)
}

// AppendEnd appends the end and completes the response.
func (codec) AppendEnd(b []byte, reason error, last relay.Position) []byte {
	b, at := openChunk(b)
	b = closeChunk(appendEnd(b, transport.EndOf(reason), last), at)
	return append(b, "0\r\n\r\n"...)
}

// Input returns nil: there is nothing to read behind a GET.
func (codec) Input() park.Input { return nil }

// sizeRoom holds the size of a chunk and its line end: frames have less than 4 GiB.
const sizeRoom = 10

// openChunk leaves room for the size of the chunk that follows, and returns where.
func openChunk(b []byte) ([]byte, int) {
	var room [sizeRoom]byte
	return append(b, room[:]...), len(b)
}

// closeChunk ends the chunk that was opened at the place and moves it to where its size has no leading zeros: some read
// no more than so many digits.
func closeChunk(b []byte, at int) []byte {
	data := b[at+sizeRoom:]
	size := strconv.AppendInt(b[:at], int64(len(data)), 16)
	size = append(size, "\r\n"...)
	b = append(size, data...) // to the left: size and its line end take no more than sizeRoom
	return append(b, "\r\n"...)
}
