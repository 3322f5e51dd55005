package nats

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

// delivery is a consumer's message: its serial, and the sequence in the stream.
func delivery(l *life, serial, seq uint64) *nats.Msg {
	m := stored{}
	m.Event = relay.Event{ID: fmt.Sprint(seq), Payment: "order-1", Status: relay.Paid, Time: time.Unix(1, 0).UTC()}
	return &nats.Msg{
		Sub: &nats.Subscription{}, Subject: l.subject("order-1"), Reply: fmt.Sprintf("$JS.ACK.S.c.1.%d.%d.1700000000000000000.0", seq, serial),
		Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}}, Data: appendPayload(nil, m),
	}
}

func beat(last string) *nats.Msg {
	return &nats.Msg{Sub: &nats.Subscription{}, Header: nats.Header{"Status": {"100"}, "Nats-Last-Consumer": {last}}}
}

// TestFeed holds that a feed delivers dense sequences and notices what it does not get.
func TestFeed(t *testing.T) {
	l := place{stream: "S"}.life("epoch")
	foreign := delivery(l, 2, 6)
	foreign.Data = []byte("not ours")
	for what, c := range map[string]struct {
		next  uint64
		comes []*nats.Msg
		told  string
		again bool   // another consumer may do better
		says  string // the error, if the feed ends
	}{
		"in order":                  {5, []*nats.Msg{delivery(l, 1, 5), delivery(l, 2, 6), beat("2"), delivery(l, 3, 7)}, "5 6 7", false, ""},
		"from the oldest there is":  {0, []*nats.Msg{delivery(l, 1, 40), delivery(l, 2, 41)}, "40 41", false, ""},
		"a lost delivery":           {5, []*nats.Msg{delivery(l, 1, 5), delivery(l, 3, 7), delivery(l, 4, 8)}, "5", true, "was lost"},
		"a lost last delivery":      {5, []*nats.Msg{delivery(l, 1, 5), beat("2"), delivery(l, 2, 6)}, "5", true, "was lost"},
		"the next one has expired":  {5, []*nats.Msg{delivery(l, 1, 6)}, "", false, "entry 6 follows, 5 was next"},
		"a gap within":              {0, []*nats.Msg{delivery(l, 1, 5), delivery(l, 2, 7)}, "5", false, "entry 7 follows, 6 was next"},
		"one of before":             {5, []*nats.Msg{delivery(l, 1, 4)}, "", false, "entry 4 follows"},
		"another program's message": {5, []*nats.Msg{delivery(l, 1, 5), foreign}, "5", false, "message 6 of the stream"},
		"not a consumer's message":  {5, []*nats.Msg{{Sub: &nats.Subscription{}, Data: []byte("x")}}, "", false, "nats"},
	} {
		var told []string
		f := &feed{ended: make(chan struct{}), tail: &tail{life: l, next: c.next, deliver: func(en relay.Entry) { told = append(told, en.Event.ID) }}}
		for _, m := range c.comes {
			f.take(m)
		}
		if got := strings.Join(told, " "); got != c.told {
			t.Errorf("%s: told %q, want %q", what, got, c.told)
		}
		if (f.err != nil) != (c.says != "") || f.err != nil && (!strings.Contains(f.err.Error(), c.says) || errors.Is(f.err, errAgain) != c.again) {
			t.Errorf("%s: error %v, want %q", what, f.err, c.says)
		}
	}
}

// TestPulse holds when a consumer is given up.
func TestPulse(t *testing.T) {
	began := time.Now()
	var p pulse
	check := func(after, silent time.Duration, next, applied uint64, want string) {
		t.Helper()
		now := began.Add(after)
		if err := p.check(now, now.Add(-silent), next, applied); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("after %v: %v, want %q", after, err, want)
		}
	}
	check(0, heartbeat, 5, 4, "")
	check(0, deadAfter+1, 5, 4, "silent")
	check(time.Minute, heartbeat, 5, 5, "")
	check(time.Minute+lagAfter, heartbeat, 5, 9, "")
	check(time.Minute+lagAfter, heartbeat, 10, 9, "") // it has caught up
	check(2*time.Minute, heartbeat, 10, 10, "")
	check(2*time.Minute+lagAfter+1, heartbeat, 10, 10, "lags")
	check(3*time.Minute, heartbeat, 0, 10, "") // it has not begun
}
