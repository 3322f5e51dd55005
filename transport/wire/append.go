package wire

import (
	"time"

	"github.com/tillbell/tillbell/relay"
)

// AppendEvent appends what Marshal(NewEvent(*e)) returns. It is what streams write, once for each waiter, and does
// without reflection.
func AppendEvent(b []byte, e *relay.Event) []byte {
	b = append(b, `{"specversion":"1.0","id":`...)
	b = appendString(b, e.ID)
	b = append(b, `,"source":`...)
	if e.Source != "" {
		b = appendString(b, sourcePrefix+e.Source)
	} else {
		b = append(b, `""`...)
	}
	b = append(b, `,"type":`...)
	b = appendString(b, "payment."+string(e.Status))
	b = append(b, `,"subject":`...)
	b = appendString(b, e.Payment)
	b = append(b, `,"time":"`...)
	b = appendTime(b, e.Time)
	b = append(b, `","data":{"payment":`...)
	b = appendString(b, e.Payment)
	b = append(b, `,"status":`...)
	b = appendString(b, string(e.Status))
	b = append(b, `,"final":`...)
	b = appendBool(b, e.Final)
	b = appendMember(b, `,"amount":`, string(e.Amount))
	b = appendMember(b, `,"currency":`, e.Currency)
	b = appendMember(b, `,"provider":`, e.Provider)
	b = appendMember(b, `,"transaction_id":`, e.TransactionID)
	b = appendMember(b, `,"provider_status":`, e.ProviderStatus)
	return append(b, "}}"...)
}

// AppendSnapshot appends what Marshal(NewSnapshot(*s)) returns.
func AppendSnapshot(b []byte, s *relay.State) []byte {
	b = append(b, `{"payment":`...)
	b = appendString(b, s.Payment)
	b = append(b, `,"status":`...)
	b = appendString(b, string(s.Status))
	b = append(b, `,"final":`...)
	b = appendBool(b, s.Final)
	b = append(b, `,"conflict":`...)
	b = appendBool(b, s.Conflict)
	b = appendMember(b, `,"amount":`, string(s.Amount))
	b = appendMember(b, `,"refunded":`, string(s.Refunded))
	b = appendMember(b, `,"currency":`, s.Currency)
	if !s.UpdatedAt.IsZero() {
		b = append(b, `,"updated_at":"`...)
		b = appendTime(b, s.UpdatedAt)
		b = append(b, '"')
	}
	b = append(b, `,"position":`...)
	b = appendString(b, s.Position.String())
	return append(b, '}')
}

// AppendStateMessage appends the Message of type state.
func AppendStateMessage(b []byte, s *relay.State) []byte {
	b = append(b, `{"type":"state",`...)
	at := len(b)
	b = AppendSnapshot(b, s)
	return append(b[:at], b[at+len("{"):]...) // the snapshot's members are the message's
}

// AppendEventMessage appends the Message of type event.
func AppendEventMessage(b []byte, t *relay.Told) []byte {
	b = append(b, `{"type":"event","position":`...)
	b = appendString(b, t.Position.String())
	b = append(b, `,"event":`...)
	b = AppendEvent(b, &t.Event)
	return append(b, '}')
}

// appendMember appends a member that is absent when it is empty; name is its quoted name with comma and colon.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, name...), value)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return t.UTC().AppendFormat(b, time.RFC3339Nano)
}

// appendString appends s as a JSON string. What needs no escaping, nearly everything, is copied.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return append(b, Marshal(s)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
