package client

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// parsed is all that an event stream says.
type parsed struct {
	messages []message
	id       string
	retry    time.Duration
	err      error
}

func parse(r io.Reader) parsed {
	p := newParser(r)
	var out parsed
	for {
		m, err := p.next()
		if err != nil {
			out.id, out.retry, out.err = p.id, p.retry, err
			return out
		}
		out.messages = append(out.messages, m)
	}
}

func msg(event, data, id string) message { return message{event: event, data: data, id: id} }

// The cases follow WHATWG HTML, section 9.2.6, the first ones its own examples.
func TestParser(t *testing.T) {
	for name, tc := range map[string]struct {
		stream string
		want   []message
		id     string
		retry  time.Duration
	}{
		"lines of one event": {"data: YHOO\ndata: +2\ndata: 10\n\n", []message{msg("message", "YHOO\n+2\n10", "")}, "", -1},
		"comment, id, empty id": {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
			[]message{msg("message", "first event", "1"), msg("message", "second event", ""), msg("message", " third event", "")}, "", -1},
		"empty data":               {"data\n\ndata\ndata\n\ndata:", []message{msg("message", "", ""), msg("message", "\n", "")}, "", -1},
		"no space is needed":       {"data:test\n\ndata: test\n\n", []message{msg("message", "test", ""), msg("message", "test", "")}, "", -1},
		"CR":                       {"data: a\rdata: b\r\rdata: c\r\r", []message{msg("message", "a\nb", ""), msg("message", "c", "")}, "", -1},
		"CRLF":                     {"data: a\r\ndata: b\r\n\r\n", []message{msg("message", "a\nb", "")}, "", -1},
		"all ends mixed":           {"data: a\r\ndata: b\rdata: c\n\r", []message{msg("message", "a\nb\nc", "")}, "", -1},
		"BOM":                      {"\ufeffdata: a\n\n", []message{msg("message", "a", "")}, "", -1},
		"a second BOM is not one":  {"\ufeff\ufeffdata: a\n\ndata: b\n\n", []message{msg("message", "b", "")}, "", -1},
		"BOM in a later line":      {"data: a\n\n\ufeffdata: b\n\n", []message{msg("message", "a", "")}, "", -1},
		"type, and none after":     {"event: end\ndata: a\n\ndata: b\n\n", []message{msg("end", "a", ""), msg("message", "b", "")}, "", -1},
		"type without data":        {"event: end\n\ndata: b\n\n", []message{msg("message", "b", "")}, "", -1},
		"the last type counts":     {"event: a\nevent: b\nevent\ndata: x\n\n", []message{msg("message", "x", "")}, "", -1},
		"id stays":                 {"id: 7\ndata: a\n\ndata: b\n\n", []message{msg("message", "a", "7"), msg("message", "b", "7")}, "7", -1},
		"id without data":          {"id: 7\n\n", nil, "7", -1},
		"id of a broken off event": {"id: 7\ndata: a\n\nid: 8\ndata: b\n", []message{msg("message", "a", "7")}, "7", -1},
		"id with NUL":              {"id: 7\nid: 8\x009\ndata: a\n\n", []message{msg("message", "a", "7")}, "7", -1},
		"retry":                    {"retry: 1500\n", nil, "", 1500 * time.Millisecond},
		"retry of other than digits": {"retry: 10\nretry: 1.5\nretry: -1\nretry: 1s\nretry: 0x10\nretry:\nretry\nretry:  5\n", nil, "",
			10 * time.Millisecond},
		"retry beyond every clock": {"retry: 99999999999999999999999\n", nil, "", maxPause},
		"unknown fields":           {"foo: 1\nDATA: 2\n data: 3\ndata : 4\ndata: 5\n\n", []message{msg("message", "5", "")}, "", -1},
		"colons in values":         {"data: {\"a\":1}\n\n", []message{msg("message", `{"a":1}`, "")}, "", -1},
		"padding":                  {strings.Repeat(":", 2048) + "\n\ndata: a\n\n", []message{msg("message", "a", "")}, "", -1},
		"broken off":               {"data: a", nil, "", -1},
		"nothing":                  {"", nil, "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			want := parsed{tc.want, tc.id, tc.retry, io.EOF}
			if got := parse(strings.NewReader(tc.stream)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if got := parse(iotest.OneByteReader(strings.NewReader(tc.stream))); !reflect.DeepEqual(got, want) {
				t.Errorf("byte by byte: got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestParserIsBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("data: "), forever("x"))
	if got := parse(endless); !errors.Is(got.err, errTooLong) {
		t.Errorf("endless line: %v", got.err)
	}
	if got := parse(forever("data: " + strings.Repeat("x", 1000) + "\n")); !errors.Is(got.err, errTooLong) {
		t.Errorf("endless event: %v", got.err)
	}
	if got := parse(forever("data\n")); !errors.Is(got.err, errTooLong) {
		t.Errorf("endless event of empty lines: %v", got.err)
	}
	broken := errors.New("broken")
	if got := parse(iotest.ErrReader(broken)); !errors.Is(got.err, broken) {
		t.Errorf("got %v, want the reader's error", got.err)
	}
}

type forever string

func (f forever) Read(p []byte) (int, error) { return copy(p, f), nil }

// FuzzParser compares the parser with itself over other chunks, and with the same stream written in other line ends.
func FuzzParser(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "\ufeffid: 1\r\ndata: a\r\rretry: 5\n:\n\n", "event: end\nid: \x00\ndata\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		want := parse(strings.NewReader(stream))
		if got := parse(iotest.OneByteReader(strings.NewReader(stream))); !reflect.DeepEqual(got, want) {
			t.Fatalf("byte by byte: got %+v, want %+v", got, want)
		}
		lines := strings.ReplaceAll(strings.ReplaceAll(stream, "\r\n", "\n"), "\r", "\n")
		for _, end := range []string{"\n", "\r", "\r\n"} {
			if got := parse(strings.NewReader(strings.ReplaceAll(lines, "\n", end))); !reflect.DeepEqual(got, want) {
				t.Fatalf("with %q: got %+v, want %+v", end, got, want)
			}
		}
		for _, m := range want.messages {
			if m.event == "" || strings.ContainsAny(m.event+m.id, "\r\n") || strings.Contains(m.id, "\x00") ||
				strings.Contains(m.data, "\r") {
				t.Fatalf("impossible %+v", m)
			}
		}
		if want.retry < -1 || want.retry > maxPause {
			t.Fatalf("retry %v", want.retry)
		}
	})
}
