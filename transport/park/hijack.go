package park

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Connection is one that was taken over from whoever served HTTP on it. It is for Attach, once.
type Connection struct {
	conn    net.Conn // nil if it is watched already
	watched watched
	input   []byte // that the client has sent behind its request
}

// Take takes w's connection over. It fails where it cannot be had, as over HTTP/2, and when the connection is broken.
func Take(w http.ResponseWriter) (Connection, error) {
	if c, ok := takeWatched(w); ok {
		return c, nil
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return Connection{}, fmt.Errorf("park: hijack: %w", err)
	}
	input, _ := rw.Reader.Peek(rw.Reader.Buffered()) // what is buffered is there
	return Connection{conn: nc, input: input}, nil
}

// Head returns the head of an HTTP/1.1 response (RFC 9112, section 2.1), which nobody else writes on a connection that
// was taken over. The caller has set what says how the body ends.
func Head(status int, h http.Header) []byte {
	b := bytes.NewBuffer(make([]byte, 0, 512))
	b.WriteString("HTTP/1.1 ")
	b.WriteString(strconv.Itoa(status))
	b.WriteByte(' ')
	b.WriteString(http.StatusText(status))
	b.WriteString("\r\nDate: ")
	b.Write(time.Now().UTC().AppendFormat(b.AvailableBuffer(), http.TimeFormat))
	b.WriteString("\r\n")
	_ = h.Write(b) // a Buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}
