package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// masked returns a client's frame (RFC 6455, section 5.2): first is the first byte, and the length is written in as many
// bytes as it takes.
func masked(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// closing returns the payload of a close frame.
func closing(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// verdict reads the server's frames: "pong PAYLOAD", "close CODE" or "close" for each.
func verdict(t testing.TB, b []byte) (all []string) {
	t.Helper()
	for len(b) != 0 {
		if len(b) < 2 || b[1] > 125 || len(b) < 2+int(b[1]) {
			t.Fatalf("no control frame of a server: %x", b)
		}
		payload := b[2 : 2+b[1]]
		switch {
		case b[0] == 0x8a:
			all = append(all, "pong "+string(payload))
		case b[0] == 0x88 && len(payload) == 0:
			all = append(all, "close")
		case b[0] == 0x88 && len(payload) >= 2:
			all = append(all, fmt.Sprintf("close %d", binary.BigEndian.Uint16(payload)))
		default:
			t.Fatalf("no answer of a server: %x", b)
		}
		b = b[2+len(payload):]
	}
	return all
}

// answer returns what is answered to the frames.
func answer(t testing.TB, frames ...[]byte) (all []string, over bool) {
	t.Helper()
	in := codec{}.Input()
	b, over := in.Take(bytes.Join(frames, nil), nil)
	return verdict(t, b), over
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// TestInput holds the rules of RFC 6455 for what a client sends, by section.
func TestInput(t *testing.T) {
	const (
		text, binary, cont   = 0x81, 0x82, 0x80 // complete
		begin, beginBin, mid = 0x01, 0x02, 0x00 // to be continued
		bye, ping, pong      = 0x88, 0x89, 0x8a
	)
	full := strings.Repeat("x", 4<<10)
	for name, c := range map[string]struct {
		frames []byte
		want   string // verdicts, with commas
	}{
		"5.1 unmasked":             {[]byte{text, 0}, "close 1002"},
		"5.1 unmasked ping":        {[]byte{ping, 5, 'H', 'e', 'l', 'l', 'o'}, "close 1002"},
		"5.2 text":                 {masked(text, "Hello"), ""},
		"5.2 binary":               {masked(binary, "Hello"), ""},
		"5.2 empty":                {masked(text, ""), ""},
		"5.2 RSV1":                 {masked(text|0x40, "x"), "close 1002"},
		"5.2 RSV2":                 {masked(text|0x20, "x"), "close 1002"},
		"5.2 RSV3 on a ping":       {masked(ping|0x10, "x"), "close 1002"},
		"5.2 length in 2 bytes":    {join(masked(text, full[:126]), masked(ping, "a")), "pong a"},
		"5.2 too long in 2 bytes":  {[]byte{text, 0x80 | 126, 0, 1, 0, 0, 0, 0, 'x'}, ""}, // the sender's fault, and harmless
		"5.2 too long in 8 bytes":  {join([]byte{text, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'x'}, masked(ping, "a")), "pong a"},
		"5.2 length of 64 bits":    {[]byte{text, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "close 1002"},
		"5.2 length of 63 bits":    {[]byte{text, 0x80 | 127, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0}, "close 1009"},
		"5.4 in fragments":         {join(masked(begin, "a"), masked(mid, "b"), masked(cont, "c"), masked(ping, "d")), "pong d"},
		"5.4 empty fragments":      {join(masked(beginBin, ""), masked(mid, ""), masked(cont, ""), masked(text, "x")), ""},
		"5.4 ping among fragments": {join(masked(begin, "a"), masked(ping, "b"), masked(cont, "c")), "pong b"},
		"5.4 nothing to continue":  {masked(cont, "a"), "close 1002"},
		"5.4 nothing to continue any more": {join(masked(begin, "a"), masked(cont, "b"), masked(mid, "c")),
			"close 1002"},
		"5.4 two at once":        {join(masked(begin, "a"), masked(text, "b")), "close 1002"},
		"5.5 large ping":         {masked(ping, full[:125]), "pong " + full[:125]},
		"5.5 too large ping":     {masked(ping, full[:126]), "close 1002"},
		"5.5 too large close":    {masked(bye, closing(1000, full[:124])), "close 1002"},
		"5.5 ping in fragments":  {masked(0x09, "a"), "close 1002"},
		"5.5 close in fragments": {masked(0x08, ""), "close 1002"},
		"5.5.1 no code":          {masked(bye, ""), "close"},
		"5.5.1 half a code":      {masked(bye, "\x03"), "close 1002"},
		"5.5.1 code":             {masked(bye, closing(1000, "")), "close 1000"},
		"5.5.1 reason":           {masked(bye, closing(1001, "bye 👋")), "close 1001"},
		"5.5.1 largest":          {masked(bye, closing(1000, full[:123])), "close 1000"},
		"5.5.1 no text":          {masked(bye, closing(1000, "\xff")), "close 1007"},
		"5.5.1 nothing behind":   {join(masked(ping, "a"), masked(bye, ""), masked(ping, "b")), "pong a,close"},
		"5.5.2 ping":             {masked(ping, "Hello"), "pong Hello"},
		"5.5.2 empty ping":       {masked(ping, ""), "pong "},
		"5.5.2 pings":            {join(masked(ping, "a"), masked(text, "x"), masked(ping, "b")), "pong a,pong b"},
		"5.5.3 pong unasked":     {masked(pong, "Hello"), ""},
		"7.4 message of 4 KiB":   {join(masked(text, full), masked(text, full), masked(ping, "a")), "pong a"},
		"7.4 more":               {masked(text, full+"x"), "close 1009"},
		"7.4 more in fragments":  {join(masked(begin, full), masked(ping, "a"), masked(mid, ""), masked(cont, "x")), "pong a,close 1009"},
		"7.4 too much, at once":  {masked(text, full+"x")[:8], "close 1009"}, // before any of it came
		"nothing":                {nil, ""},
		"half a head":            {[]byte{ping}, ""},
		"half a ping":            {masked(ping, "Hello")[:8], ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, over := answer(t, c.frames)
			if strings.Join(got, ",") != c.want {
				t.Errorf("the answer is %q, want %q", got, c.want)
			}
			if over != strings.Contains(c.want, "close") {
				t.Errorf("over is %v", over)
			}
		})
	}
}

// TestOpcodes holds that the reserved ones are refused (section 5.2).
func TestOpcodes(t *testing.T) {
	for opcode := range byte(16) {
		got, _ := answer(t, masked(0x80|opcode, ""))
		want := map[byte]string{opText: "", opBinary: "", opClose: "close", opPing: "pong ", opPong: ""}
		answer, known := want[opcode]
		if !known {
			answer = "close 1002"
		}
		if strings.Join(got, ",") != answer {
			t.Errorf("opcode %x: %q, want %q", opcode, got, answer)
		}
	}
}

// TestCloseCodes sends every code: it comes back if a client may send it, and 1002 does otherwise (section 7.4).
func TestCloseCodes(t *testing.T) {
	for code := range 1 << 16 {
		want := 1002
		switch {
		case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
			want = code
		}
		got, over := answer(t, masked(0x88, closing(code, "")))
		if len(got) != 1 || got[0] != fmt.Sprintf("close %d", want) || !over {
			t.Errorf("code %d: %q, want %d", code, got, want)
		}
	}
}
