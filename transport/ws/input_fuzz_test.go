package ws

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
)

// seeds are RFC 6455's examples (section 5.7), and what a client of ours or of others may send.
func seeds() [][]byte {
	hello := []byte{0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}
	return [][]byte{
		[]byte("\x81\x05Hello"),
		append([]byte{0x81, 0x85}, hello...),
		[]byte("\x01\x03Hel\x80\x02lo"),
		[]byte("\x89\x05Hello"),
		append([]byte{0x8a, 0x85}, hello...),
		append([]byte{0x82, 0x7e, 0x01, 0x00}, make([]byte, 256)...),
		append([]byte{0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}, make([]byte, 64<<10)...),
		append([]byte{0x89, 0x85}, hello...),
		masked(0x82, strings.Repeat("x", 256)),
		masked(0x81, strings.Repeat("x", 4<<10)),
		masked(0x81, strings.Repeat("x", 4<<10+1)),
		join(masked(0x01, "Hel"), masked(0x89, "ping"), masked(0x00, ""), masked(0x80, "lo"), masked(0x88, closing(1000, "bye"))),
		join(masked(0x02, strings.Repeat("x", 4000)), masked(0x80, strings.Repeat("x", 97))),
		masked(0x88, ""),
		masked(0x88, "x"),
		masked(0x88, closing(1014, "")),
		masked(0x88, closing(4999, "\xff")),
		masked(0x89, strings.Repeat("x", 125)),
		{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		{0x01, 0x81, 0, 0, 0, 0, 'x', 0x80, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0},
	}
}

// FuzzInput gives the same bytes in one piece and in pieces: the answer is the same, and no more is kept than the head
// and the payload of a control frame.
func FuzzInput(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed, []byte{1})
		f.Add(seed, []byte{2, 0, 3, 200})
	}
	f.Fuzz(func(t *testing.T, b, cuts []byte) {
		given := slices.Clone(b)
		whole := new(input)
		want, wantOver := whole.Take(b, []byte("before"))
		if !bytes.Equal(b, given) {
			t.Fatal("Take changes what it reads")
		}
		if !bytes.HasPrefix(want, []byte("before")) {
			t.Fatal("Take does not append")
		}
		want = want[len("before"):]
		for _, v := range verdict(t, want) {
			if over := strings.HasPrefix(v, "close"); over && !wantOver {
				t.Fatalf("it goes on after %q", v)
			}
		}

		if !slices.ContainsFunc(cuts, func(n byte) bool { return n != 0 }) {
			cuts = []byte{255}
		}
		parts, got, over := new(input), []byte(nil), false
		for i := 0; len(b) != 0 && !over; i++ {
			n := min(len(b), int(cuts[i%len(cuts)]))
			piece := slices.Clone(b[:n])
			b = b[n:]
			got, over = parts.Take(piece, got)
			clear(piece) // which must not be kept
			if most := 2 + maskSize + short; len(parts.part) > most {
				t.Fatalf("%d bytes are kept, want at most %d", len(parts.part), most)
			}
		}
		if !bytes.Equal(got, want) || over != wantOver {
			t.Errorf("in pieces %q, over %v; in one %q, over %v", verdict(t, got), over, verdict(t, want), wantOver)
		}
	})
}

// FuzzSameAsGorilla holds the answers against those of another implementation. They differ where it does less than
// RFC 6455 asks for:
//
//   - a close reason that is no UTF-8 is answered with 1002 there, with 1007 here (section 8.1);
//   - a close frame with half a code is answered like one without any there, with 1002 here (section 5.5.1);
//   - the close code 1014, which was registered later, is refused there;
//   - a length of 64 bits, or fragments whose sum is one, end the connection without a close frame there.
func FuzzSameAsGorilla(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, _ := new(input).Take(slices.Clone(b), nil)
		ours := verdict(t, answer)
		theirs, err := gorillaVerdict(t, b)
		if slices.Equal(ours, theirs) {
			return
		}
		last := func(all []string) string {
			if len(all) == 0 || !strings.HasPrefix(all[len(all)-1], "close") {
				return ""
			}
			return all[len(all)-1]
		}
		pongs := func(all []string) []string {
			if last(all) != "" {
				return all[:len(all)-1]
			}
			return all
		}
		switch o, g := last(ours), last(theirs); {
		case !slices.Equal(pongs(ours), pongs(theirs)):
		case (o == "close 1007" || o == "close 1014") && g == "close 1002":
			return
		case o == "close 1002" && g == "close" && bytes.Contains(b, []byte{0x88, 0x81}):
			return
		case (o == "close 1002" || o == "close 1009") && g == "" && errors.Is(err, gorilla.ErrReadLimit):
			return
		}
		t.Errorf("the answer to %x is %q, gorilla's %q, %v", b, ours, theirs, err)
	})
}

// gorillaVerdict returns what gorilla answers as a server, and how its reading ended.
func gorillaVerdict(t *testing.T, b []byte) ([]string, error) {
	t.Helper()
	nc := &script{in: bytes.NewReader(b)}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(name, value)
	}
	u := gorilla.Upgrader{ReadBufferSize: 512, WriteBufferSize: 512}
	conn, err := u.Upgrade(hijacked{httptest.NewRecorder(), nc}, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	nc.out.Reset() // the handshake's answer
	conn.SetReadLimit(maxMessage)
	for {
		_, message, err := conn.NextReader()
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err != nil {
			return verdict(t, nc.out.Bytes()), err
		}
	}
}

// script is a connection whose peer has said everything already.
type script struct {
	net.Conn // nil
	in       io.Reader
	out      bytes.Buffer
}

func (s *script) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error)      { return s.out.Write(b) }
func (s *script) Close() error                     { return nil }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// hijacked is a response whose connection is a script.
type hijacked struct {
	*httptest.ResponseRecorder
	conn *script
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(strings.NewReader("")), bufio.NewWriter(h.conn)), nil
}
