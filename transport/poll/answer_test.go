package poll

import (
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
)

// TestAnswerComplete takes the frames one by one, as a poll may that wakes amid them.
func TestAnswerComplete(t *testing.T) {
	at := func(seq uint64, sub uint32) relay.Position { return relay.Position{Epoch: "e", Seq: seq, Sub: sub} }
	state := func(seq uint64, sub uint32) *relay.State {
		return &relay.State{Payment: "p", Status: relay.Pending, Position: at(seq, sub)}
	}
	told := func(p relay.Position, s *relay.State) transport.Frame {
		return transport.Frame{Told: &relay.Told{Position: p, State: s, Event: relay.Event{Payment: "p"}}}
	}
	paid := state(3, 0)
	paid.Status, paid.Final = relay.Paid, true
	contradicted := state(2, 0)
	contradicted.Contradicted = at(2, 0)
	for _, step := range []struct {
		name     string
		frames   []transport.Frame
		complete bool
		position string
	}{
		{"nothing yet", []transport.Frame{{State: state(1, 0)}}, false, "e.1"},
		{"a heartbeat is nothing", []transport.Frame{{State: state(1, 0)}, {}}, false, "e.1"},
		{"a contradiction", []transport.Frame{{State: state(1, 0)}, {State: contradicted}}, true, "e.2"},
		{"the first of two released", []transport.Frame{{State: state(1, 0)}, told(at(2, 1), state(2, 2))}, true, "e.2.1"},
		{"an outcome, and no end yet", []transport.Frame{{State: state(1, 0)}, told(at(3, 0), paid)}, false, "e.3"},
		{"an outcome and the end", []transport.Frame{{State: state(1, 0)}, told(at(3, 0), paid), {End: relay.ErrDone}}, true, "e.3"},
		{"an end", []transport.Frame{{State: state(1, 0)}, {End: relay.ErrExpired}}, true, "e.1"},
	} {
		var a answer
		for _, f := range step.frames {
			a.add([]transport.Frame{f})
		}
		if a.complete() != step.complete || a.position.String() != step.position {
			t.Errorf("%s: complete is %t, position %s", step.name, a.complete(), a.position)
		}
	}
}
