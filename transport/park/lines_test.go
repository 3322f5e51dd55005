package park_test

import (
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/park"
)

// lines is a park.Codec whose frames are lines of text.
type lines struct {
	reads  bool         // clients may have something to say
	events atomic.Int64 // how many were written
}

func (l *lines) AppendState(b []byte, s *relay.State) []byte {
	return append(b, "state "+string(s.Status)+"\n"...)
}

func (l *lines) AppendEvent(b []byte, t *relay.Told) []byte {
	l.events.Add(1)
	return append(b, "event "+t.Event.ID+"\n"...)
}

func (l *lines) AppendPing(b []byte) []byte { return append(b, "ping\n"...) }

func (l *lines) AppendEnd(b []byte, reason error, _ relay.Position) []byte {
	return append(b, "end "+transport.EndOf(reason).Code+"\n"...)
}

func (l *lines) Input() park.Input {
	if !l.reads {
		return nil
	}
	return echo{}
}

// echo is a park.Input that answers with what it is sent. A full stop ends the conversation.
type echo struct{}

func (echo) Take(b, answer []byte) (_ []byte, over bool) {
	for _, c := range b {
		if c == '.' {
			return append(answer, "bye\n"...), true
		}
		answer = append(answer, c)
	}
	return answer, false
}

// parkOptions are those of a yard's park.
func parkOptions(heartbeat, writeTimeout time.Duration) park.Options {
	return park.Options{Heartbeat: heartbeat, WriteTimeout: writeTimeout}
}

// request awaits the payment for an hour.
func request(payment string) relay.Request {
	return relay.Request{Payment: payment, Until: time.Now().Add(time.Hour)}
}
