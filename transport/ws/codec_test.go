package ws

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the protocol's choice
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// sizes of payloads, on both sides of where the length takes more bytes.
func sizes() *rapid.Generator[int] {
	return rapid.OneOf(
		rapid.IntRange(0, 200<<10),
		rapid.SampledFrom([]int{0, 1, 124, 125, 126, 127, 1<<16 - 1, 1 << 16, 1<<16 + 1}),
	)
}

// TestFrames has another implementation read frames of any size, one behind the other.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		all := rapid.SliceOfN(sizes(), 1, 4).Draw(t, "sizes")
		for i, n := range all {
			var at int
			b, at = openFrame(b)
			b = closeFrame(append(b, bytes.Repeat([]byte{'a' + byte(i)}, n)...), at)
		}
		b = appendClose(b, 4410, "expired")
		conn := readBack(t, b)
		for i, n := range all {
			kind, text, err := conn.ReadMessage()
			if err != nil || kind != gorilla.TextMessage || !bytes.Equal(text, bytes.Repeat([]byte{'a' + byte(i)}, n)) {
				t.Fatalf("frame %d of %d bytes: kind %d, %d bytes, %v", i, n, kind, len(text), err)
			}
		}
		if _, _, err := conn.ReadMessage(); !gorilla.IsCloseError(err, 4410) || !strings.Contains(err.Error(), "expired") {
			t.Fatal(err)
		}
	})
}

// TestMessages has another implementation read what the codec makes of a whole wait.
func TestMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c codec
		state := relay.NewState(rapid.String().Draw(t, "payment"))
		told := relay.Told{Position: relay.Position{Epoch: "e", Seq: 1}, State: &state, Event: relay.Event{
			ID: "shop:1", Source: "shop", Payment: "p", Status: relay.Paid,
			ProviderStatus: strings.Repeat("ü", sizes().Draw(t, "size")/2),
		}}
		b := c.AppendEnd(c.AppendPing(c.AppendEvent(c.AppendState(nil, &state), &told)), relay.ErrDone, told.Position)
		conn := readBack(t, b)
		for _, want := range []string{"state", "event", "ping", "end"} {
			var m wire.Message
			_, text, err := conn.ReadMessage()
			if err == nil {
				err = json.Unmarshal(text, &m)
			}
			if err != nil || m.Type != want {
				t.Fatalf("%.100s, %v; want %s", text, err, want)
			}
			if want == "event" && m.Event.Data.ProviderStatus != told.Event.ProviderStatus {
				t.Fatalf("the event is %.100s", text)
			}
		}
		if _, _, err := conn.ReadMessage(); !gorilla.IsCloseError(err, 1000) {
			t.Fatal(err)
		}
	})
}

// readBack returns a client to whom the server has said b.
func readBack(t *rapid.T, b []byte) *gorilla.Conn {
	s := &answering{behind: b}
	d := gorilla.Dialer{NetDial: func(string, string) (net.Conn, error) { return s, nil }}
	conn, _, err := d.Dial("ws://x/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// answering is a script that answers the handshake.
type answering struct {
	script
	behind []byte
}

func (s *answering) Write(b []byte) (int, error) {
	if s.in != nil {
		return len(b), nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return 0, err
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	s.in = bytes.NewReader(append([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n"), s.behind...))
	return len(b), nil
}
