package sse

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

// sizes of frames, on both sides of where the size of a chunk takes another digit.
func sizes() *rapid.Generator[int] {
	return rapid.OneOf(
		rapid.IntRange(1, 200<<10),
		rapid.SampledFrom([]int{1, 0xf, 0x10, 0xff, 0x100, 0xfff, 0x1000, 0xffff, 0x10000}),
	)
}

// TestChunks has net/http read frames of any size, one behind the other.
func TestChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b, want []byte
		for i, n := range rapid.SliceOfN(sizes(), 1, 4).Draw(t, "sizes") {
			frame := bytes.Repeat([]byte{'a' + byte(i)}, n)
			before := len(b)
			var at int
			b, at = openChunk(b)
			b = closeChunk(append(b, frame...), at)
			if b[before] == '0' {
				t.Fatalf("the size of a chunk begins with a zero: %.20q", b[before:])
			}
			want = append(want, frame...)
		}
		if got := readBack(t, append(b, "0\r\n\r\n"...)); got != string(want) {
			t.Fatalf("%d bytes were read, want %d", len(got), len(want))
		}
	})
}

// TestStream has net/http read what the codec makes of a whole wait: the same as what streams without chunks are.
func TestStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c codec
		state := relay.NewState(rapid.String().Draw(t, "payment"))
		told := relay.Told{Position: relay.Position{Epoch: "e", Seq: 1}, State: &state, Event: relay.Event{
			ID: "shop:1", Source: "shop", Payment: "p", Status: relay.Paid,
			ProviderStatus: strings.Repeat("ü", sizes().Draw(t, "size")/2),
		}}
		b := c.AppendEnd(c.AppendPing(c.AppendEvent(c.AppendState(nil, &state), &told)), relay.ErrDone, told.Position)
		want := appendEnd(appendPing(appendEvent(appendState(nil, &state), &told)), transport.EndOf(relay.ErrDone), told.Position)
		if got := readBack(t, b); got != string(want) {
			t.Fatalf("%d bytes were read, want %d", len(got), len(want))
		}
	})
}

// readBack returns the body that net/http reads from chunks. Nothing may be behind it.
func readBack(t *rapid.T, b []byte) string {
	r := bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), bytes.NewReader(b)))
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); len(rest) != 0 {
		t.Fatalf("behind the response: %q", rest)
	}
	return string(body)
}
