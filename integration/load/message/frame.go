package message

import (
	"encoding/binary"
	"errors"
)

// An Op is the opcode of a WebSocket frame (RFC 6455, section 11.8).
type Op byte

// The opcodes that a server may send.
const (
	OpContinuation Op = 0
	OpText         Op = 1
	OpBinary       Op = 2
	OpClose        Op = 8
	OpPing         Op = 9
	OpPong         Op = 10
)

// maxFrame bounds a frame that is read, in bytes of payload.
const maxFrame = 1 << 20

// ErrFrame is a frame that no server of a test sends: masked, or with a payload over 1 MiB.
var ErrFrame = errors.New("message: not a frame of a WebSocket server")

// NextFrame reads the frame at the start of b and returns what follows it. done is false as long as the frame is not
// whole; call again with all of it and more. The payload lies in b.
func NextFrame(b []byte) (op Op, payload, rest []byte, done bool, err error) {
	if len(b) < 2 {
		return 0, nil, nil, false, nil
	}
	head, size := 2, uint64(b[1])
	switch {
	case b[1]&0x80 != 0:
		return 0, nil, nil, false, ErrFrame
	case size == 126 && len(b) >= 4:
		head, size = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case size == 127 && len(b) >= 10:
		head, size = 10, binary.BigEndian.Uint64(b[2:])
	case size >= 126:
		return 0, nil, nil, false, nil
	}
	if size > maxFrame {
		return 0, nil, nil, false, ErrFrame
	}
	end := head + int(size)
	if len(b) < end {
		return 0, nil, nil, false, nil
	}
	return Op(b[0] & 0xf), b[head:end], b[end:], true, nil
}

// AppendFrame appends a client's frame of up to 125 bytes, masked as RFC 6455, section 5.3, demands. The mask does
// not change: it protects proxies, and none is on the way.
func AppendFrame(b []byte, op Op, payload []byte) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	payload = payload[:min(len(payload), 125)]
	b = append(b, 0x80|byte(op), 0x80|byte(len(payload)))
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i&3])
	}
	return b
}
