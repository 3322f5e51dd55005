//go:build linux

package generator

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
)

const testRun = "abcdef"

// lone returns a crowd of one waiter that has sent its request.
func lone(k kind) *crowd {
	c := &crowd{
		clock: clock{time.Now()}, ledger: &ledger{}, waiters: []waiter{{fd: -1, state: asking}}, kinds: []kind{k},
		ids: message.NewIDScanner(testRun), underway: 1, reasons: make(map[string]int),
	}
	c.ledger.add(0, 1, 1)
	return c
}

// streams are answers that tell a waiter of one callback, after it was told that it waits.
func streams() map[string]string {
	const hello, ping = "event: state\ndata: {}\n\n", "event: ping\ndata: {}\n\n"
	event := "id: 1\ndata: {\"id\":\"erp:lgabcdef0000000000\",\"again\":\"lgabcdef0000000000\"}\r\n\r\n"
	all := hello + ping + event
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, piece := range []string{all[:10], all[10:50], all[50:]} {
		chunked += fmt.Sprintf("%x;ext=1\r\n%s\r\n", len(piece), piece)
	}
	text := func(s string) string {
		if len(s) < 126 {
			return string([]byte{0x81, byte(len(s))}) + s
		}
		return string([]byte{0x81, 126, byte(len(s) >> 8), byte(len(s))}) + s
	}
	event = `{"type":"event","id":"lgabcdef0000000000"}`
	ws := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + text(`{"type":"state"}`) + text(`{"type":"ping"}`)
	return map[string]string{
		"chunked": chunked, "plain": "HTTP/1.1 200 OK\r\n\r\n" + all,
		"ws": ws + text(event), "ws long": ws + text(event+strings.Repeat(" ", 300)),
	}
}

var (
	sseKind = kind{ready: []byte("event: state"), beat: []byte("event: ping"), end: []byte(`"code":"done"`)}
	wsKind  = kind{webSocket: true, ready: []byte(`"type":"state"`), beat: []byte(`"type":"ping"`), end: []byte(`"code":"done"`)}
)

// TestTake cuts every stream in two at every byte.
func TestTake(t *testing.T) {
	for name, in := range streams() {
		for i := range len(in) + 1 {
			k := sseKind
			if strings.HasPrefix(name, "ws") {
				k = wsKind
			}
			c := lone(k)
			beats := 0
			c.beat = func(time.Duration) { beats++ }
			for _, piece := range []string{in[:i], in[i:]} {
				if err := c.take(0, []byte(piece)); err != nil {
					t.Fatalf("%s cut at %d: %v", name, i, err)
				}
			}
			w, r := &c.waiters[0], c.ledger.at(0)
			if r.told != 1 || c.ledger.again+c.ledger.stray != 0 || beats != 1 || w.state != waiting || c.established != 1 {
				t.Fatalf("%s cut at %d: %+v, %d heartbeats, %+v", name, i, *r, beats, *w)
			}
			if w.partial != nil {
				t.Fatalf("%s cut at %d: %q is left", name, i, w.partial)
			}
		}
	}
}

func TestTakeEnd(t *testing.T) {
	const head, end = "HTTP/1.1 200 OK\r\n\r\nevent: state\n", "event: end\ndata: {\"code\":\"done\"}\n\n:padding\n\n"
	c := lone(sseKind)
	if err := c.take(0, []byte(head+end)); err != nil {
		t.Fatal(err)
	}
	if c.done != 1 || c.established != 0 || c.waiters[0].state != ended {
		t.Fatalf("%d done, %d wait, state %d", c.done, c.established, c.waiters[0].state)
	}
	if c.fail(0, errEnded); c.dropped != 0 || len(c.reasons) != 0 {
		t.Errorf("a wait that was done counts as dropped: %v", c.reasons)
	}
}

func TestTakeRefused(t *testing.T) {
	for name, in := range map[string]string{
		"status":   "HTTP/1.1 503 Busy\r\n\r\n",
		"no HTTP":  "SSH-2.0-OpenSSH\r\n\r\n",
		"chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n",
		"complete": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		if err := lone(sseKind).take(0, []byte(in)); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
	closing := "HTTP/1.1 101 Switching Protocols\r\n\r\n\x88\x02\x03\xe9"
	if err := lone(wsKind).take(0, []byte(closing)); !errors.Is(err, errEnded) {
		t.Errorf("close frame: %v", err)
	}
}
