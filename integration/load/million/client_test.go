//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
)

const testRun = "abcdef"

// visitor returns a client on which nothing was written yet, for which a pending callback was posted, and one that says
// paid once that was told; and what it found wrong.
func visitor(socket bool) (*client, *error) {
	wrong := new(error)
	l := newLedger(testRun)
	c := newCrowd(2, l, []byte("a secret of 32 bytes or more, yes"), func(err error) {
		if *wrong == nil {
			*wrong = err
		}
	})
	b := l.open(2, "pending", func(i int) uint32 { return uint32(i) })
	b.rows[0].due.Store(1)
	b.rows[1].due.Store(1)
	who := &c.all[0]
	who.socket = socket
	who.talk = newTalk()
	return who, wrong
}

// eventJSON is an event of the client as the server writes it.
func eventJSON(client uint32, number uint64, status string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"erp:%s","source":"/sources/erp","type":"payment.%s","subject":"%s",`+
		`"time":"2026-11-22T08:00:00Z","data":{"payment":"%[3]s","status":"%[2]s","final":%v,"amount":"129.00"}}`,
		message.ID{Run: testRun, Number: number}.Append(nil), status, payment(client).Append(nil), status == "paid")
}

// frame writes a frame of either kind: an event with data, or what its name says.
func frame(socket bool, kind, data string) string {
	if !socket {
		name := "event: " + kind + "\n"
		if kind == "event" {
			name = "id: abcdefghij.1\n"
		}
		return string(appendChunk(nil, []byte(name+"data: "+data+"\n\n")))
	}
	switch kind {
	case "event":
		data = `"event":` + data
	case "ping":
		return "\x81\x0f" + `{"type":"ping"}`
	case "end":
		return "\x81\x1c" + `{"type":"end","code":"done"}`
	}
	return string(appendText(nil, []byte(`{"type":"`+kind+`",`+data+"}")))
}

// last is what follows the end frame.
func last(socket bool) string {
	if socket {
		return "\x88\x06\x03\xe8done"
	}
	return string(appendChunk(nil, []byte(strings.Repeat(":", 2048)+"\n\n"))) + "0\r\n\r\n"
}

// TestCut has a client hear a whole conversation in pieces, cut at every byte.
func TestCut(t *testing.T) {
	for _, socket := range []bool{false, true} {
		who, _ := visitor(socket)
		before := string(greeting(nil, who)) + frame(socket, "ping", "{}") + frame(socket, "event", eventJSON(0, 0, "pending")) +
			frame(socket, "ping", "{}")
		after := frame(socket, "event", eventJSON(0, 2, "paid")) + frame(socket, "end", `{"code":"done"}`) + last(socket)
		for cut := range max(len(before), len(after)) {
			who, wrong := visitor(socket)
			say(t, who, before, cut)
			if who.talk != nil || who.phase != waiting || who.crowd.pings.Load() != 2 {
				t.Fatalf("socket %v, cut at %d: %s, %d pings, %v", socket, cut, who.phase, who.crowd.pings.Load(), *wrong)
			}
			who.crowd.ledger.open(1, "paid", func(int) uint32 { return 0 }).rows[0].due.Store(1)
			say(t, who, after, cut)
			if err := who.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := who.Close(); err != nil {
				t.Fatal(err)
			}
			if *wrong != nil || who.phase != closed {
				t.Fatalf("socket %v, cut at %d: %s, %v", socket, cut, who.phase, *wrong)
			}
		}
		whole, wrong := visitor(socket) // byte by byte
		for _, b := range []byte(before) {
			say(t, whole, string([]byte{b}), 0)
		}
		if *wrong != nil || whole.phase != waiting {
			t.Errorf("socket %v, byte by byte: %s, %v", socket, whole.phase, *wrong)
		}
	}
}

func say(t *testing.T, who *client, text string, cut int) {
	t.Helper()
	cut = min(cut, len(text))
	for _, piece := range []string{text[:cut], text[cut:]} {
		if piece == "" {
			continue
		}
		if n, err := io.WriteString(who, piece); n != len(piece) || err != nil {
			t.Fatalf("%d of %d bytes written, %v", n, len(piece), err)
		}
	}
}

// TestWrong says what a server must not say, and wants the client to object.
func TestWrong(t *testing.T) {
	for _, socket := range []bool{false, true} {
		who, _ := visitor(socket)
		state, event := string(appendState(nil, who)), eventJSON(0, 0, "pending")
		mine := frame(socket, "event", event)
		garbage := map[bool][2]string{true: {"not a frame", "\x81\x80abcd"}, false: {"not a chunked body", "x\r\n"}}[socket]
		for want, text := range map[string]string{
			"told a callback twice":             mine + mine,
			`told about "order-1"`:              frame(socket, "event", eventJSON(1, 1, "pending")),
			"told what was posted for client 1": frame(socket, "event", eventJSON(0, 1, "pending")),
			"earlier batch":                     frame(socket, "event", eventJSON(0, 77, "pending")),
			"posted was pending":                frame(socket, "event", eventJSON(0, 0, "paid")),
			"an event that nobody posted":       frame(socket, "event", strings.ReplaceAll(event, testRun, "fedcba")),
			"a frame of an unknown kind":        frame(socket, "surprise", `"a":"`+strings.Repeat("b", 200)+`"`),
			"waiting while waiting":             state,
			"ended while waiting":               frame(socket, "end", `{"code":"done"}`),
			"complete while waiting":            last(socket),
			"shut while waiting":                "", // there is CloseWrite behind each
			garbage[0]:                          garbage[1],
		} {
			who, wrong := visitor(socket)
			say(t, who, string(greeting(nil, who))+text, 0)
			_ = who.CloseWrite()
			if *wrong == nil || !strings.Contains((*wrong).Error(), want) {
				t.Errorf("socket %v: %v, want %q", socket, *wrong, want)
			}
		}
	}
	who, wrong := visitor(false)
	say(t, who, "HTTP/1.1 401 Unauthorized\r\n\r\n", 0)
	if *wrong == nil || !strings.Contains((*wrong).Error(), "status 401") {
		t.Errorf("refused: %v", *wrong)
	}
}

// TestRead reads the request as net/http does: in pieces, then in vain until a deadline in the past.
func TestRead(t *testing.T) {
	who, _ := visitor(true)
	request := newRequests(who.crowd.secret).make(who)
	who.talk.begin(request)
	var got []byte
	for len(got) < len(request) {
		b := make([]byte, 100)
		n, err := who.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if !strings.HasPrefix(string(got), "GET /v1/payments/order-0/ws HTTP/1.1\r\n") || !strings.HasSuffix(string(got), "\r\n\r\n") {
		t.Errorf("request is %q", got)
	}
	read := make(chan error)
	go func() {
		_, err := who.Read(make([]byte, 1))
		read <- err
	}()
	if err := who.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := who.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != os.ErrDeadlineExceeded {
		t.Errorf("read: %v", err)
	}
}
