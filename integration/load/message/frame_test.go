package message

import (
	"errors"
	"strings"
	"testing"
)

func TestNextFrame(t *testing.T) {
	long := strings.Repeat("y", 300)
	huge := strings.Repeat("z", 1<<16)
	in := []byte("\x81\x02hi" + "\x89\x00" + "\x81\x7e\x01\x2c" + long + "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + huge + "\x88\x02\x03\xe8")
	want := []struct {
		op      Op
		payload string
	}{{OpText, "hi"}, {OpPing, ""}, {OpText, long}, {OpBinary, huge}, {OpClose, "\x03\xe8"}}
	b := in
	for i, w := range want {
		op, p, rest, done, err := NextFrame(b)
		if err != nil || !done || op != w.op || string(p) != w.payload {
			t.Fatalf("frame %d: %d %.10q done %v, %v", i, op, p, done, err)
		}
		for n := range len(b) - len(rest) {
			if _, _, _, done, err := NextFrame(b[:n]); done || err != nil {
				t.Fatalf("frame %d is done after %d bytes, %v", i, n, err)
			}
		}
		b = rest
	}
	if len(b) != 0 {
		t.Errorf("%d bytes are left", len(b))
	}
	for _, in := range []string{"\x81\x82abcdef", "\x82\x7f\x00\x00\x00\x01\x00\x00\x00\x00"} {
		if _, _, _, _, err := NextFrame([]byte(in)); !errors.Is(err, ErrFrame) {
			t.Errorf("%q: %v, want ErrFrame", in, err)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	b := AppendFrame(nil, OpPong, []byte("ping"))
	if len(b) != 10 || b[0] != 0x8a || b[1] != 0x84 {
		t.Fatalf("% x", b)
	}
	for i := range 4 {
		b[6+i] ^= b[2+i]
	}
	if string(b[6:]) != "ping" {
		t.Errorf("unmasked %q", b[6:])
	}
}
