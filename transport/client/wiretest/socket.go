package wiretest

import (
	"bufio"
	"crypto/sha1" // RFC 6455 has no other
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Opcodes of RFC 6455, section 5.2, with the bit that says that the message ends.
const (
	textFrame  = 0x81
	closeFrame = 0x88
)

// farewell bounds how long a client may take to answer the close frame.
const farewell = 2 * time.Second

// upgrade answers on a connection of its own, byte by byte, because a WebSocket library would not break the protocol.
func (a Answer) upgrade(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	gone := make(chan struct{})
	go func() { // a client that leaves, or answers the close frame, shows in nothing else
		defer close(gone)
		_, _ = io.Copy(io.Discard, buffered)
	}()
	defer func() {
		_ = conn.Close()
		<-gone
	}()
	b := bufio.NewWriter(conn)
	_, _ = b.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
		accept(r.Header.Get("Sec-WebSocket-Key")) + "\r\n")
	if strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "tillbell.v1") {
		_, _ = b.WriteString("Sec-WebSocket-Protocol: tillbell.v1\r\n")
	}
	_, _ = b.WriteString("\r\n")
	for i, message := range a.Body {
		if i > 0 && a.Pause > 0 && !pause(time.Duration(a.Pause), gone) {
			return
		}
		writeFrame(b, textFrame, []byte(message))
		if b.Flush() != nil {
			return
		}
	}
	a.leave(conn, b, gone)
}

// leave does what follows the messages.
func (a Answer) leave(conn net.Conn, b *bufio.Writer, gone <-chan struct{}) {
	switch a.Then {
	case "hold":
		_ = b.Flush()
		<-gone
	case "cut":
		_ = b.Flush()
	case "half":
		_, _ = b.Write([]byte{textFrame, 100, '{', '"'})
		_ = b.Flush()
	default:
		writeFrame(b, closeFrame, binary.BigEndian.AppendUint16(nil, uint16(max(a.Close, 1000))))
		_ = b.Flush()
		_ = conn.SetReadDeadline(time.Now().Add(farewell))
		pause(farewell, gone)
	}
}

// pause reports whether the client was still there after d.
func pause(d time.Duration, gone <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-gone:
		return false
	}
}

// writeFrame writes a frame as servers do, without a mask. Errors stay in b.
func writeFrame(b *bufio.Writer, kind byte, data []byte) {
	_ = b.WriteByte(kind)
	if len(data) < 126 {
		_ = b.WriteByte(byte(len(data)))
	} else {
		_, _ = b.Write([]byte{126, byte(len(data) >> 8), byte(len(data))})
	}
	_, _ = b.Write(data)
}

// accept answers the handshake's key (RFC 6455, section 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
