package nats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/codec"
)

// A message of the stream is one entry. Its payload is the number of the Append that published it, 8 bytes, and the
// event's stored form. The subject has the payment once more; one that differs is an error.

// callLen is the length of an Append's number.
const callLen = 8

// stored is a message as it lies in the stream.
type stored struct {
	relay.Entry
	before  uint64 // sequence of the payment's message before it, 0 if there was none
	call    uint64 // the Append that published it
	stamped bool   // Event.Time is the time of the append
}

// appendPayload appends the payload of m.
func appendPayload(dst []byte, m stored) []byte {
	dst = binary.BigEndian.AppendUint64(dst, m.call)
	return codec.Append(dst, m.Event, m.stamped)
}

var errPayload = errors.New("its payload is cut short")

// errForeign marks a message that no version of this program has published: somebody else did, and nothing was
// acknowledged with it. Whoever follows the log passes it over.
var errForeign = errors.New("it is not Tillbell's")

// parse reads the message at seq. It fails for what no Append of this program has published.
func (l *life) parse(subject string, header nats.Header, data []byte, seq uint64) (stored, error) {
	if header.Get(jetstream.ExpectedLastSubjSeqHeader) == "" {
		return stored{}, fmt.Errorf("message %d of the stream: %w", seq, errForeign)
	}
	m, err := l.parseMessage(subject, header, data)
	if err != nil {
		return stored{}, fmt.Errorf("message %d of the stream: %w", seq, err)
	}
	m.Position = relay.Position{Epoch: l.epoch, Seq: seq}
	return m, nil
}

func (l *life) parseMessage(subject string, header nats.Header, data []byte) (m stored, err error) {
	if len(data) < callLen {
		return m, errPayload
	}
	m.call = binary.BigEndian.Uint64(data)
	if m.Event, m.stamped, err = codec.Decode(data[callLen:]); err != nil {
		return m, err
	}
	token, ok := strings.CutPrefix(subject, l.prefix)
	if !ok {
		return m, errToken
	}
	id, err := payment(token)
	if err != nil {
		return m, err
	}
	if id != m.Event.Payment {
		return m, errors.New("its subject is another payment's")
	}
	m.before, err = strconv.ParseUint(header.Get(jetstream.ExpectedLastSubjSeqHeader), 10, 64)
	if err != nil {
		return m, errors.New("it does not say which one was before it")
	}
	return m, nil
}
