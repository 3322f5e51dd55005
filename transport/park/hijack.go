package park

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Take takes w's connection over from net/http, with what the client has sent behind its request. It fails where net/http
// cannot hand it out, as over HTTP/2, and when the connection is broken.
func Take(w http.ResponseWriter) (nc net.Conn, input []byte, err error) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("park: hijack: %w", err)
	}
	input, _ = rw.Reader.Peek(rw.Reader.Buffered()) // what is buffered is there
	return nc, input, nil
}

// Head returns the head of an HTTP/1.1 response (RFC 9112, section 2.1), which net/http does not write on a connection
// that was taken over. The caller has set what says how the body ends.
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
