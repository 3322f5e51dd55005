package message

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

func TestParseAnswer(t *testing.T) {
	for _, c := range []struct {
		in          string
		status      int
		done, close bool
	}{
		{"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", 204, true, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, true, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", 200, false, false},
		{"HTTP/1.1 200 OK\r\ncontent-length:2\r\nconnection: Close\r\n\r\n{}", 200, true, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, false, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", 200, false, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", 200, false, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, true, false},
		{"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, true, true},
		{"HTTP/1.1 50", 0, false, false},
	} {
		h, done, err := ParseAnswer([]byte(c.in))
		if err != nil || done != c.done || h.Status != c.status || h.Close != c.close {
			t.Errorf("%q: %+v, done %v, %v", c.in, h, done, err)
		}
	}
	for _, in := range []string{"SSH-2.0-x\r\n\r\n", "HTTP/1.1 xyz\r\n\r\n", strings.Repeat("x", maxHead+1)} {
		if _, _, err := ParseAnswer([]byte(in)); !errors.Is(err, ErrHead) {
			t.Errorf("%.20q: %v, want ErrHead", in, err)
		}
	}
}

// TestChunks reads what the standard library writes, cut in two at every byte.
func TestChunks(t *testing.T) {
	var in bytes.Buffer
	w := httputil.NewChunkedWriter(&in)
	want := "first" + strings.Repeat("second", 100) + "\r\n3\r\n"
	for _, s := range []string{"first", strings.Repeat("second", 100), "\r\n3\r\n"} {
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	body := bytes.Replace(in.Bytes(), []byte("5\r\n"), []byte("5;name=af\r\n"), 1)
	body = append(body, "\r\nbehind"...)
	for i := range len(body) - len("behind") {
		var c Chunks
		var got []byte
		ended := false
		for _, b := range [][]byte{body[:i], body[i:]} {
			for len(b) > 0 {
				data, rest, end, err := c.Next(b)
				if err != nil {
					t.Fatalf("cut at %d: %v", i, err)
				}
				got, b = append(got, data...), rest
				if end {
					ended = string(rest) == "behind"
					break
				}
			}
		}
		if string(got) != want || !ended {
			t.Fatalf("cut at %d: end %v, %q", i, ended, got)
		}
	}
	for _, in := range []string{"\r\n", "x\r\n", "fffffffff\r\n", "1\r\nab"} {
		var c Chunks
		var err error
		for b := []byte(in); len(b) > 0 && err == nil; {
			_, b, _, err = c.Next(b)
		}
		if bad := in != "1\r\nab"; bad != errors.Is(err, ErrChunk) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("5;x\r\nhello\r\n0\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = max(0, min(cut, len(in)))
		whole, end, err := unchunk(in)
		pieces, end2, err2 := unchunk(in[:cut], in[cut:])
		if !bytes.Equal(whole, pieces) || end != end2 || (err == nil) != (err2 == nil) {
			t.Errorf("whole %q %v %v, in pieces %q %v %v", whole, end, err, pieces, end2, err2)
		}
	})
}

func unchunk(pieces ...[]byte) (body []byte, end bool, err error) {
	var c Chunks
	for _, b := range pieces {
		for len(b) > 0 {
			var data []byte
			if data, b, end, err = c.Next(b); err != nil || end {
				return body, end, err
			}
			body = append(body, data...)
		}
	}
	return body, false, nil
}
