package ws

import (
	"encoding/binary"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/park"
	"github.com/tillbell/tillbell/transport/wire"
)

// codec is the park.Codec of WebSockets: each frame is one text message that is not fragmented (RFC 6455, section 5.2).
type codec struct{}

// AppendState appends the snapshot.
func (codec) AppendState(b []byte, s *relay.State) []byte {
	b, at := openFrame(b)
	return closeFrame(wire.AppendStateMessage(b, s), at)
}

// AppendEvent appends an event.
func (codec) AppendEvent(b []byte, t *relay.Told) []byte {
	b, at := openFrame(b)
	return closeFrame(wire.AppendEventMessage(b, t), at)
}

// AppendPing appends a heartbeat. It is a message, because a page sees no control frames.
func (codec) AppendPing(b []byte) []byte {
	b, at := openFrame(b)
	return closeFrame(append(b, `{"type":"ping"}`...), at)
}

// AppendEnd appends the end and the close frame.
func (codec) AppendEnd(b []byte, reason error, _ relay.Position) []byte {
	end := transport.EndOf(reason)
	b, at := openFrame(b)
	b = closeFrame(append(b, wire.Marshal(wire.Message{Type: "end", Code: end.Code})...), at)
	return appendClose(b, end.Close, end.Code)
}

// Input returns what reads the client's frames.
func (codec) Input() park.Input { return new(input) }

// Opcodes (RFC 6455, section 5.2), and the bit of a message's last frame.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa

	fin = 0x80
)

// Payloads of up to short bytes have their length in the second byte, larger ones behind it: in 2 bytes or in 8.
const (
	short   = 125
	length2 = 126
	length8 = 127
)

// headRoom holds the largest head of a server's frame.
const headRoom = 10

// openFrame leaves room for the head of the text frame that follows, and returns where.
func openFrame(b []byte) ([]byte, int) {
	var room [headRoom]byte
	return append(b, room[:]...), len(b)
}

// closeFrame writes the head of the frame that was opened at the place, and moves the payload behind it.
func closeFrame(b []byte, at int) []byte {
	payload := b[at+headRoom:]
	b = append(b[:at], fin|opText)
	switch n := len(payload); {
	case n <= short:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, length2), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, length8), uint64(n))
	}
	return append(b, payload...) // to the left: no head is larger than headRoom
}

// appendControl appends a control frame. The payload has no more than 125 bytes.
func appendControl(b []byte, opcode byte, payload ...byte) []byte {
	return append(append(b, fin|opcode, byte(len(payload))), payload...)
}

// appendClose appends a close frame (section 5.5.1).
func appendClose(b []byte, code int, reason string) []byte {
	return appendControl(b, opClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)...)
}
