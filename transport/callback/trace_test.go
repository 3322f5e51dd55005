package callback_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// trace writes down what it is told.
type trace struct {
	house *house
	said  []string
}

func (tr *trace) say(format string, args ...any) {
	tr.said = append(tr.said, fmt.Sprintf(format, args...))
}

func (tr *trace) Received(_ context.Context, source string) callback.Observer {
	tr.say("received %s", source)
	return tr
}

func (tr *trace) Verified(events []relay.Event) {
	tr.say("verified %d", len(events))
	for _, e := range events {
		_, ids := tr.house.stored(e.Payment)
		tr.say("%s %s %d", e.ID, e.Status, len(ids))
	}
}

func (tr *trace) Stored(e relay.Event, r relay.Receipt) {
	_, ids := tr.house.stored(e.Payment)
	tr.say("stored %s %v %v", e.ID, r.Duplicate, slices.Contains(ids, e.ID))
}

func (tr *trace) Answered(status int, err error) {
	refusal, _ := errors.AsType[*callback.Refusal](err)
	if refusal != nil {
		err = errors.New(string(refusal.Reason))
	}
	tr.say("answered %d %v", status, err)
}

// A Trace is told each moment when it has come: what is verified is not stored yet, and what is stored can be read.
func TestTrace(t *testing.T) {
	h := start(t)
	tr := &trace{house: h}
	sources := make(map[string]callback.Source)
	for name, a := range accounts() {
		sources[name] = callback.Source{Name: name, Provider: a.Provider}
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/callbacks/{source}", callback.NewRoute(callback.RouteOptions{
		Relay: h.relay, Metrics: h.metrics, Log: slog.New(slog.DiscardHandler), MaxBody: maxBody, Trace: tr,
	}, sources))
	h.Handler = mux
	want := func(said ...string) {
		t.Helper()
		if !slices.Equal(tr.said, said) {
			t.Errorf("told %q, want %q", tr.said, said)
		}
		tr.said = nil
	}
	genuine := accounts()["stripe"].sign(t, paid)
	h.post("stripe", genuine)
	want("received stripe", "verified 1", "stripe:evt-1 paid 0", "stored stripe:evt-1 false true", "answered 200 <nil>")
	h.post("stripe", genuine)
	want("received stripe", "verified 1", "stripe:evt-1 paid 1", "stored stripe:evt-1 true true", "answered 200 <nil>")
	h.post("stripe", spoil(genuine))
	want("received stripe", "answered 401 bad_signature")
	h.post("nobody", genuine)
	want()

	h.post("wechat", combined(t, "o-1", "o-2"))
	want("received wechat", "verified 2", "wechat:o-1:EV-9 paid 0", "wechat:o-2:EV-9 paid 0",
		"stored wechat:o-1:EV-9 false true", "stored wechat:o-2:EV-9 false true", "answered 200 <nil>")
	h.engine.before = func(context.Context, relay.Event) error { return errors.New("disk full") }
	h.post("wechat", combined(t, "o-3"))
	want("received wechat", "verified 1", "wechat:EV-9 paid 0", "answered 503 relay: publish: disk full")
}
