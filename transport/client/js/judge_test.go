package js_test

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"slices"
	"testing"

	"github.com/tillbell/tillbell/transport/client/wiretest"
)

// TestJudges has the parser judged by the same cases as the Go client's. The streams stay open, so that an event must be
// told by its own bytes.
func TestJudges(t *testing.T) {
	node := needNode(t)
	cases, err := wiretest.LoadCases("../testdata/judge")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 80 {
		t.Fatalf("%d cases", len(cases))
	}
	type stream struct {
		Name   string   `json:"name"`
		Pieces [][]byte `json:"pieces"` // base64 in JSON
	}
	var streams []stream
	for _, c := range cases {
		streams = append(streams, stream{c.Name, c.Pieces()}, stream{c.Name, singly(c.Stream)})
	}
	stdin, err := json.Marshal(streams)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/judge/parser.mjs", built(t, "src/parser.ts"))
	lines := run(t, cmd, stdin)
	if len(lines) != len(streams) {
		t.Fatalf("%d of %d streams were read", len(lines), len(streams))
	}
	for i, line := range lines {
		var got struct {
			Messages []wiretest.Message
			Retry    int64
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			got.Messages = nil
		}
		c := cases[i/2]
		t.Run(c.Name, func(t *testing.T) {
			if !reflect.DeepEqual(got.Messages, c.Messages) {
				t.Errorf("got  %q\nwant %q", got.Messages, c.Messages)
			}
			if got.Retry != c.Retry {
				t.Errorf("retry is %d ms, want %d", got.Retry, c.Retry)
			}
		})
	}
}

// singly returns text byte by byte, and one too long for that in pieces that end anywhere.
func singly(text string) [][]byte {
	size := 1
	if len(text) > 4<<10 {
		size = 97
	}
	return slices.Collect(slices.Chunk([]byte(text), size))
}
