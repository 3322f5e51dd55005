package ws

import (
	"encoding/binary"
	"unicode/utf8"
)

// Close codes (RFC 6455, section 7.4.1) for what a client does wrong.
const (
	protocolError = 1002
	invalidText   = 1007
	tooBig        = 1009
)

// maxMessage bounds a message of the client, who needs to send nothing; a larger one closes with 1009.
const maxMessage = 4 << 10

// input is the park.Input that reads a client's frames. Pings are answered, a close too, and messages are thrown away
// unread: their text is not checked.
type input struct {
	part  []byte // the frame's head and, of a control frame, its payload, as far as they are there
	skip  int    // bytes of a message's payload that are still to come
	size  int    // of the message up to here
	began bool   // the message's last frame is still to come
}

const maskSize = 4

// Take reads b.
func (in *input) Take(b, answer []byte) (_ []byte, over bool) {
	for len(b) != 0 {
		if in.skip != 0 {
			n := min(in.skip, len(b))
			in.skip, b = in.skip-n, b[n:]
			continue
		}
		n := min(in.wants()-len(in.part), len(b))
		in.part, b = append(in.part, b[:n]...), b[n:]
		if code := in.fault(); code != 0 {
			return appendClose(answer, code, ""), true
		}
		if len(in.part) < in.wants() {
			continue
		}
		if answer, over = in.frame(answer); over {
			return answer, true
		}
		in.part = in.part[:0]
	}
	if len(in.part) == 0 {
		in.part = nil
	}
	return answer, false
}

// wants returns how many bytes part must have for what can be done next: to know how large the head is, to read the head,
// to have the whole control frame.
func (in *input) wants() int {
	if len(in.part) < 2 {
		return 2
	}
	head := 2 + maskSize
	switch n := int(in.part[1] &^ fin); {
	case n == length2:
		return head + 2
	case n == length8:
		return head + 8
	case in.control():
		return head + n
	}
	return head
}

func (in *input) opcode() byte  { return in.part[0] & 0xf }
func (in *input) control() bool { return in.opcode() >= opClose }

// fault returns the close code for what is wrong with the frame that begins with part, 0 for nothing.
func (in *input) fault() int {
	if len(in.part) < 2 {
		return 0
	}
	last, length := in.part[0]&fin != 0, in.part[1]&^fin
	switch in.opcode() {
	case opContinuation:
		if !in.began {
			return protocolError
		}
	case opText, opBinary:
		if in.began {
			return protocolError
		}
	case opClose, opPing, opPong:
		if !last || length > short {
			return protocolError
		}
	default:
		return protocolError
	}
	const reserved = 0x70
	if masked := in.part[1]&fin != 0; !masked || in.part[0]&reserved != 0 {
		return protocolError
	}
	if len(in.part) < in.wants() || in.control() {
		return 0
	}
	switch n := in.length(); {
	case n>>63 != 0:
		return protocolError
	case n > uint64(maxMessage-in.size):
		return tooBig
	}
	return 0
}

// length returns the payload's, which the head must be there for.
func (in *input) length() uint64 {
	switch n := in.part[1] &^ fin; n {
	case length2:
		return uint64(binary.BigEndian.Uint16(in.part[2:]))
	case length8:
		return binary.BigEndian.Uint64(in.part[2:])
	default:
		return uint64(n)
	}
}

// frame takes the frame of a message, whose payload follows, or a control frame.
func (in *input) frame(answer []byte) (_ []byte, over bool) {
	if !in.control() {
		in.skip = int(in.length())
		in.size += in.skip
		if in.began = in.part[0]&fin == 0; !in.began {
			in.size = 0
		}
		return answer, false
	}
	mask, payload := in.part[2:2+maskSize], in.part[2+maskSize:]
	for i := range payload {
		payload[i] ^= mask[i%maskSize]
	}
	switch in.opcode() {
	case opPing:
		return appendControl(answer, opPong, payload...), false
	case opClose:
		return answerClose(answer, payload), true
	}
	return answer, false // a pong
}

// answerClose appends the close frame that answers one (section 5.5.1): with its code, if that may be sent.
func answerClose(b, payload []byte) []byte {
	if len(payload) == 0 {
		return appendControl(b, opClose)
	}
	if len(payload) == 1 {
		return appendClose(b, protocolError, "")
	}
	code := int(binary.BigEndian.Uint16(payload))
	switch {
	case !mayClose(code):
		code = protocolError
	case !utf8.Valid(payload[2:]):
		code = invalidText
	}
	return appendClose(b, code, "")
}

// mayClose reports whether a close frame may have the code (section 7.4, and IANA's registry of close codes).
func mayClose(code int) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code >= 1000 && code <= 1014:
		return code != 1004 && code != 1005 && code != 1006
	}
	return false
}
