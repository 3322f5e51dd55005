package client

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tillbell/tillbell/transport/client/wiretest"
)

// errOpen is what a stream reads that goes on later.
var errOpen = errors.New("nothing more for the moment")

// TestJudges has the parser judged by cases that nobody here wrote. The streams stay open, so that an event must be told
// by its own bytes.
func TestJudges(t *testing.T) {
	cases, err := wiretest.LoadCases("testdata/judge")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 80 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			judge(t, c, io.MultiReader(pieces(c.Pieces())...))
			judge(t, c, iotest.OneByteReader(strings.NewReader(c.Stream)))
		})
	}
}

func judge(t *testing.T, c wiretest.Case, stream io.Reader) {
	t.Helper()
	p := newParser(io.MultiReader(stream, iotest.ErrReader(errOpen)))
	var got []wiretest.Message
	for {
		m, err := p.next()
		if err != nil {
			if !errors.Is(err, errOpen) {
				t.Error(err)
			}
			break
		}
		got = append(got, wiretest.Message{Event: m.event, Data: m.data, ID: m.id})
	}
	if !reflect.DeepEqual(got, c.Messages) {
		t.Errorf("got  %q\nwant %q", got, c.Messages)
	}
	if c.Retry != 0 && p.retry.Milliseconds() != c.Retry {
		t.Errorf("retry is %v, want %d ms", p.retry, c.Retry)
	}
	if c.Retry == 0 && p.retry >= 0 {
		t.Errorf("retry is %v, want none", p.retry)
	}
}

func pieces(all [][]byte) []io.Reader {
	var readers []io.Reader
	for _, b := range all {
		readers = append(readers, strings.NewReader(string(b)))
	}
	return readers
}
