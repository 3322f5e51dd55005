// Package codec is the stored form of an event, the same in every engine that writes one.
//
// It is a version byte, then members, each a tag byte and what the tag says follows: text with its length in front, or
// the time. Members that are empty are left out, so that an older event reads the same when Event has grown. A member
// of an unknown tag was written by a later version, and reading it is an error: to leave it out could change an
// outcome.
//
// All text survives as it is, also where it is not UTF-8: ids are compared as bytes. There is no checksum; who stores
// the form knows how.
package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// version is the first byte of the form.
const version = 1

// The tags. A number that was given is never given again.
const (
	tagID = iota + 1
	tagSource
	tagPayment
	tagStatus
	tagAmount
	tagCurrency
	tagProvider
	tagTransactionID
	tagProviderStatus
	tagRefundID
	tagTime // seconds since 1970 as a varint, nanoseconds as a uvarint
	tagFinal
	tagCumulative
	tagNeedsRegistration
	tagStamped
)

// text is one text member.
type text struct {
	tag   byte
	value *string
}

// texts returns the text members of e.
func texts(e *relay.Event) [10]text {
	return [...]text{
		{tagID, &e.ID}, {tagSource, &e.Source}, {tagPayment, &e.Payment}, {tagStatus, (*string)(&e.Status)},
		{tagAmount, (*string)(&e.Amount)}, {tagCurrency, &e.Currency}, {tagProvider, &e.Provider},
		{tagTransactionID, &e.TransactionID}, {tagProviderStatus, &e.ProviderStatus}, {tagRefundID, &e.RefundID},
	}
}

// flag is one member that is there or not.
type flag struct {
	tag byte
	set *bool
}

func flags(e *relay.Event, stamped *bool) [4]flag {
	return [...]flag{
		{tagFinal, &e.Final}, {tagCumulative, &e.Cumulative}, {tagNeedsRegistration, &e.NeedsRegistration},
		{tagStamped, stamped},
	}
}

// Append adds the stored form of e to dst and returns the result. Stamped says that e.Time is the time of the append.
func Append(dst []byte, e relay.Event, stamped bool) []byte {
	dst = append(dst, version)
	for _, t := range texts(&e) {
		if *t.value != "" {
			dst = append(dst, t.tag)
			dst = binary.AppendUvarint(dst, uint64(len(*t.value)))
			dst = append(dst, *t.value...)
		}
	}
	dst = append(dst, tagTime)
	dst = binary.AppendVarint(dst, e.Time.Unix())
	dst = binary.AppendUvarint(dst, uint64(e.Time.Nanosecond()))
	for _, f := range flags(&e, &stamped) {
		if *f.set {
			dst = append(dst, f.tag)
		}
	}
	return dst
}

var errCut = errors.New("it is cut short")

// Decode reads a stored form. Nothing in e refers to data; its time is in UTC. The error says whether another version
// wrote the form or it is damaged.
func Decode(data []byte) (e relay.Event, stamped bool, err error) {
	if len(data) == 0 {
		return e, false, errors.New("codec: decode event: it is empty")
	}
	if data[0] != version {
		return e, false, fmt.Errorf("codec: decode event: it has version %d, this program reads version %d", data[0], version)
	}
	for rest := data[1:]; len(rest) > 0; {
		if rest, err = member(&e, &stamped, rest[0], rest[1:]); err != nil {
			return relay.Event{}, false, fmt.Errorf("codec: decode event: %w", err)
		}
	}
	if e.Time.IsZero() {
		return relay.Event{}, false, fmt.Errorf("codec: decode event: %w", errCut)
	}
	return e, stamped, nil
}

// member reads what follows a tag and returns what follows that.
func member(e *relay.Event, stamped *bool, tag byte, rest []byte) ([]byte, error) {
	for _, f := range flags(e, stamped) {
		if f.tag == tag {
			*f.set = true
			return rest, nil
		}
	}
	for _, t := range texts(e) {
		if t.tag == tag {
			n, used := binary.Uvarint(rest)
			if used <= 0 || n > uint64(len(rest)-used) {
				return nil, errCut
			}
			*t.value = string(rest[used : used+int(n)])
			return rest[used+int(n):], nil
		}
	}
	if tag != tagTime {
		return nil, fmt.Errorf("it has the member %d, which this version does not know", tag)
	}
	seconds, used := binary.Varint(rest)
	if used <= 0 {
		return nil, errCut
	}
	rest = rest[used:]
	nanos, used := binary.Uvarint(rest)
	if used <= 0 || nanos >= uint64(time.Second) {
		return nil, errCut
	}
	e.Time = time.Unix(seconds, int64(nanos)).UTC()
	return rest[used:], nil
}
