//go:build linux

package main

import (
	"encoding/binary"
	"fmt"

	"github.com/tillbell/tillbell/transport/park"
)

// rehearse returns what it costs a stand-in to connect, in microseconds of CPU: its request is made and read, and an
// answer is heard, where no server is.
func rehearse(l *ledger, secret []byte) (float64, error) {
	const n = 20_000
	var wrong error
	c := newCrowd(n, l, secret, func(err error) { wrong = err })
	t, q, room := newTalk(), newRequests(secret), make([]byte, 4<<10)
	before, err := cpu()
	if err != nil {
		return 0, err
	}
	for i := range c.all {
		who := &c.all[i]
		t.begin(q.make(who))
		who.talk = t
		if _, err := who.Read(room); err != nil {
			return 0, err
		}
		who.Park(park.Watcher{})
		_, _ = who.Write(greeting(room[:0], who)) // takes everything
		if wrong != nil {
			return 0, wrong
		}
		<-t.done
	}
	after, err := cpu()
	return each(after-before, n), err
}

// The heads of answers that let a client wait.
const (
	socketHead = "HTTP/1.1 101 Switching Protocols\r\nDate: Sun, 22 Nov 2026 08:00:00 GMT\r\nCache-Control: no-store\r\n" +
		"Connection: Upgrade\r\nSec-Websocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n" +
		"Sec-Websocket-Protocol: tillbell.v1\r\nUpgrade: websocket\r\nX-Content-Type-Options: nosniff\r\n\r\n"
	streamHead = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 08:00:00 GMT\r\nCache-Control: no-cache, no-transform\r\n" +
		"Connection: close\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nVary: Origin\r\n" +
		"X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n\r\n"
)

// greeting appends what a server writes first.
func greeting(b []byte, to *client) []byte {
	if to.socket {
		return appendState(append(b, socketHead...), to)
	}
	b = appendChunk(append(b, streamHead...), []byte("retry: 1234\n"))
	return appendState(b, to)
}

// appendState appends the frame that tells the state.
func appendState(b []byte, to *client) []byte {
	members := fmt.Appendf(nil, `"payment":"%s","status":"pending","final":false,"conflict":false,"position":"abcdefghij.0"}`,
		payment(to.number).Append(nil))
	if to.socket {
		return appendText(b, append([]byte(`{"type":"state",`), members...))
	}
	return appendChunk(b, fmt.Appendf(nil, "event: state\ndata: {%s\n\n", members))
}

// appendChunk appends a chunk of a response (RFC 9112, section 7.1).
func appendChunk(b, data []byte) []byte { return fmt.Appendf(b, "%x\r\n%s\r\n", len(data), data) }

// appendText appends a text frame of a server, with a payload of 126 to 65535 bytes (RFC 6455, section 5.2).
func appendText(b, payload []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, 0x81, 126), uint16(len(payload)))
	return append(b, payload...)
}
