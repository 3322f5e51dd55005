package ws_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/transporttest"
)

// shake sends a handshake by hand, with what is behind it in the same packet.
func shake(t *testing.T, s *transporttest.Site, proto string, header []string, behind ...byte) (*http.Response, net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	head := "GET " + path + " " + proto + "\r\nHost: x\r\nAuthorization: " + bearer(t, s) + "\r\n" + strings.Join(append(slices.Clone(header), ""), "\r\n") + "\r\n"
	if _, err := conn.Write(append([]byte(head), behind...)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp, conn, r
}

// frame is a client's frame, masked with zeros.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

var goodHandshake = []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}

// read returns the server's next frame.
func read(r *bufio.Reader) (opcode byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	size := int(head[1])
	if size == 126 {
		if _, err := io.ReadFull(r, head); err != nil {
			return 0, nil, err
		}
		size = int(binary.BigEndian.Uint16(head))
		head[0] = 0x81
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(r, payload)
	return head[0] & 15, payload, err
}

func closeCode(r *bufio.Reader) (int, error) {
	for {
		opcode, payload, err := read(r)
		if err != nil {
			return 0, err
		}
		if opcode == 8 && len(payload) >= 2 {
			_, err := io.Copy(io.Discard, r) // nothing, and then no reset
			return int(binary.BigEndian.Uint16(payload)), err
		}
	}
}

func pong(r *bufio.Reader) error {
	for {
		opcode, payload, err := read(r)
		if err != nil {
			return err
		}
		if opcode == 10 {
			if string(payload) != "hello" {
				return fmt.Errorf("pong %q", payload)
			}
			return nil
		}
	}
}
