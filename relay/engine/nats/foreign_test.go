package nats

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// opened returns an engine over one server of its own, the server's address, and what the engine logs, to be read when
// it is closed.
func opened(t *testing.T) (e *Engine, host string, out *bytes.Buffer) {
	t.Helper()
	c, out := natstest.Start(t, 1), new(bytes.Buffer)
	e, err := New(t.Context(), Options{URL: "nats://" + c.Hosts(0), Log: slog.New(slog.NewTextHandler(out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return e, c.Host(0), out
}

// TestForeignMessage holds that what somebody else publishes to the stream is logged, and hides nothing behind it.
func TestForeignMessage(t *testing.T) {
	t.Parallel()
	e, host, out := opened(t)
	add := func(payment string) relay.Entry {
		en, _, err := e.Append(t.Context(), relay.Event{ID: "e", Payment: payment, Status: relay.Paid})
		if err != nil {
			t.Fatal(err)
		}
		return en
	}
	first := add("order-1")
	conn, err := nats.Connect(host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Request(e.watch.life.prefix+"order-2", []byte("hello"), patience); err != nil {
		t.Fatal(err)
	}
	third := add("order-3")

	ctx, cancel := context.WithCancel(t.Context())
	var told relay.Entry
	err = e.Tail(ctx, first.Position, func(en relay.Entry) { told = en; cancel() })
	if !errors.Is(err, context.Canceled) || told.Position != third.Position {
		t.Errorf("Tail delivers %v, error %v; want %v", told.Position, err, third.Position)
	}
	for limit := 1; limit <= 3; limit++ {
		if got, err := e.Scan(t.Context(), first.Position, limit); err != nil || len(got) != 1 || got[0].Position != third.Position {
			t.Errorf("Scan of %d: %v, error %v", limit, got, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "somebody else publishes") {
		t.Errorf("the log says %q", out)
	}
}

// patience bounds what servers here answer at once.
const patience = 10 * time.Second

// TestOtherStream deletes the stream and lets another one take its subjects: it acknowledges nothing of ours.
func TestOtherStream(t *testing.T) {
	t.Parallel()
	e, _, _ := opened(t)
	defer e.Close()
	if err := e.js.DeleteStream(t.Context(), DefaultStream); err != nil {
		t.Fatal(err)
	}
	_, err := e.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ARCHIVE", Subjects: []string{DefaultStream + ".>"}})
	if err != nil {
		t.Fatal(err)
	}
	if en, stored, err := e.Append(t.Context(), relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid}); err == nil {
		t.Errorf("acknowledged at %v, stored %v, by another stream", en.Position, stored)
	}
}

// TestEdited holds that settings which somebody changes under a running engine are logged, once.
func TestEdited(t *testing.T) {
	t.Parallel()
	e, _, out := opened(t)
	config := e.place.config(e.watch.life.epoch, e.retention)
	config.MaxMsgs, config.Discard = 1, jetstream.DiscardOld
	if _, err := e.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := e.look(t.Context(), about{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if said := out.String(); strings.Count(said, "somebody changed the stream") != 1 || !strings.Contains(said, "max_msgs") {
		t.Errorf("the log says %q", said)
	}
}

// TestURLKeepsPasswords holds that a password which is not escaped is shown nowhere, not even in part.
func TestURLKeepsPasswords(t *testing.T) {
	for _, u := range []string{
		"nats://tillbell:12?s3cret@nats:4222", "nats://tillbell:12,s3cret@nats:4222", "nats://tillbell:pa?s3cret@nats:4222",
		"nats://u:p#s3cret@h:1", "nats://u:1/s3cret@h:1", "nats://u:x@h:1?stream=s3cret@b", "nats://u:12?replicas=s3cret@h",
		"nats://u:%zzs3cret@h:1", "nats://u:s3cret @h:1", "nats://u:12?stream=s3cret@h:4222", "nats://s3cret,word@h", "nats://u:p@s3cret,word@h",
	} {
		p, err := parseURL(u)
		if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(strings.Join(p.hosts, " "), "s3cret") {
			t.Errorf("%s: hosts %q, error %v", u, p.hosts, err)
		}
	}
}
