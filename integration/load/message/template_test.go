package message

import (
	"strings"
	"testing"
	"time"
)

func TestTemplate(t *testing.T) {
	v := &Values{Topic: Topic{"t-", 7}, ID: ID{"abcdef", 0x1f}, Status: "paid"}
	for in, want := range map[string]string{
		"":                                   "",
		"plain":                              "plain",
		"/{topic}/sse":                       "/t-7/sse",
		`{"a":{"b":"{id}"},"c":{}}`:          `{"a":{"b":"lgabcdef000000001f"},"c":{}}`,
		"payment.{status}":                   "payment.paid",
		"{pad:3}{pad:0}.":                    "xxx.",
		"{unknown} {":                        "{unknown} {",
		"{{topic}}":                          "{t-7}",
		"%7B%22{topic}%22%3A%7B%7D":          "%7B%22t-7%22%3A%7B%7D",
		`{"type":"payment.{status}",` + "\n": `{"type":"payment.paid",` + "\n",
	} {
		p, err := ParseTemplate(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(p.Append(nil, v)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"{pad:x}", "{pad:-1}", "{pad:1048577}"} {
		if _, err := ParseTemplate(in); err == nil {
			t.Errorf("%q is a template", in)
		}
	}
}

func TestTemplateTicket(t *testing.T) {
	p, err := ParseTemplate("Bearer {ticket}\r\n")
	if err != nil {
		t.Fatal(err)
	}
	m := NewMinter(key, time.Unix(4e9, 0))
	topic := Topic{"t-", 7}
	got := string(p.Append(nil, &Values{Topic: topic, Ticket: m}))
	if want := "Bearer " + string(m.Append(nil, topic)) + "\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestIDScanner(t *testing.T) {
	s := NewIDScanner("abcdef")
	var got []uint64
	in := "lgabcdef000000000a lgabcdefzz lg lgabcdefFFFFFFFFFFlgabcdef000000000b lg123456000000000c lgabcdef0000"
	for b := []byte(in); ; {
		n, rest, found := s.Next(b)
		if !found {
			break
		}
		got, b = append(got, n), rest
	}
	if len(got) != 3 || got[0] != 10 || got[1] != 1<<40-1 || got[2] != 11 {
		t.Errorf("found %d", got)
	}
	for _, n := range []uint64{0, 1, 0xabcdef, 1<<40 - 1} {
		id := ID{"abcdef", n}
		if got, rest, found := s.Next(id.Append(nil)); !found || got != n || len(rest) != 0 {
			t.Errorf("%d is read as %d (%v)", n, got, found)
		}
		if text := string(id.Append(nil)); len(text) != idLen || strings.ContainsAny(text, `"\ <>`) {
			t.Errorf("%d is written as %q", n, text)
		}
	}
}
