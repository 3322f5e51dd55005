package sse

import (
	"bytes"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/wire"
)

// Every frame has a data line, because browsers drop those without. Only payment events and the end carry an id: the
// id is the cursor that a browser comes back with.

func appendRetry(b []byte, d time.Duration) []byte {
	b = append(b, "retry: "...)
	b = strconv.AppendInt(b, d.Milliseconds(), 10)
	return append(b, '\n')
}

func appendState(b []byte, s *relay.State) []byte {
	b = append(b, "event: state\ndata: "...)
	b = wire.AppendSnapshot(b, s)
	return append(b, "\n\n"...)
}

func appendEvent(b []byte, t *relay.Told) []byte {
	b = append(b, "id: "...)
	b = append(b, t.Position.String()...)
	b = append(b, "\ndata: "...)
	b = wire.AppendEvent(b, &t.Event)
	return append(b, "\n\n"...)
}

func appendPing(b []byte) []byte { return append(b, "event: ping\ndata: {}\n\n"...) }

// padding follows the last frame: some virus scanners and proxies hold back the last kilobytes of a body until more
// comes or the connection ends.
var padding = append(bytes.Repeat([]byte{':'}, 2<<10), "\n\n"...)

func appendEnd(b []byte, end transport.End, last relay.Position) []byte {
	if end.Return {
		b = appendRetry(b, transport.Jitter())
	} else {
		b = append(b, "id: "...)
		b = append(b, transport.EndCursor(last)...)
		b = append(b, '\n')
	}
	b = append(b, "event: end\ndata: "...)
	b = append(b, wire.Marshal(wire.End{Code: end.Code})...)
	b = append(b, "\n\n"...)
	return append(b, padding...)
}
