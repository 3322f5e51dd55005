package nats

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

func FuzzToken(f *testing.F) {
	for _, id := range []string{"order-1", "订单.*>", "%41", "", "\x00\xff"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		token := string(appendToken(nil, id))
		if strings.ContainsAny(token, ".*> \t\r\n") || token == probeToken {
			t.Fatalf("%q has the token %q", id, token)
		}
		if back, err := payment(token); err != nil || back != id {
			t.Fatalf("%q reads back as %q, error %v", id, back, err)
		}
		if back, err := payment(id); err == nil && string(appendToken(nil, back)) != id {
			t.Fatalf("token %q is another spelling of %q", id, back)
		}
	})
}

func FuzzURL(f *testing.F) {
	for _, url := range []string{
		"nats://u:p@a:4222,b?replicas=3&stream=x", "tls://tok@[::1]:1?tls_ca=f", "nats://a?max_bytes=1&creds=c", "a,b", "?", "nats://%zz",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		p, err := parseURL(url)
		if err != nil {
			return
		}
		if len(p.servers) == 0 || len(p.servers) != len(p.hosts) || p.replicas < 1 || p.replicas > maxReplicas || p.stream == "" {
			t.Fatalf("%q is %+v", url, p)
		}
		for _, h := range p.hosts {
			if strings.Contains(h, "@") {
				t.Fatalf("%q shows %q", url, h)
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	l := place{stream: "TILLBELL"}.life("epoch")
	m := stored{call: 7, stamped: true}
	m.Event = relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid, Time: time.Unix(1, 0).UTC()}
	f.Add(l.subject("order-1"), "3", appendPayload(nil, m))
	f.Add(l.subject("order-2"), "", []byte("short"))
	f.Fuzz(func(t *testing.T, subject, before string, data []byte) {
		header := nats.Header{jetstream.ExpectedLastSubjSeqHeader: {before}}
		got, err := l.parse(subject, header, data, 9)
		if err != nil {
			return
		}
		if l.subject(got.Event.Payment) != subject || got.Position != (relay.Position{Epoch: "epoch", Seq: 9}) {
			t.Fatalf("%q has %+v", subject, got)
		}
		again, err := l.parse(subject, header, appendPayload(nil, got), 9)
		if err != nil || again != got {
			t.Fatalf("%+v reads back as %+v, error %v", got, again, err)
		}
	})
}

// TestMessageRefused holds what another program, or another version, may have put into the stream.
func TestMessageRefused(t *testing.T) {
	l := place{stream: "TILLBELL"}.life("epoch")
	m := stored{}
	m.Event = relay.Event{ID: "e", Payment: "order-1", Status: relay.Paid, Time: time.Unix(1, 0).UTC()}
	whole := appendPayload(nil, m)
	for what, c := range map[string]struct {
		subject, before string
		data            []byte
		says            string
	}{
		"no payload":                {l.subject("order-1"), "0", nil, "cut short"},
		"another version's payload": {l.subject("order-1"), "0", append(append([]byte{}, whole[:8]...), 99), "version 99"},
		"another payment's subject": {l.subject("order-2"), "0", whole, "another payment's"},
		"a foreign subject":         {"orders.order-1", "0", whole, "not made by this program"},
		"a foreign token":           {l.prefix + "a.b", "0", whole, "not made by this program"},
		"no predecessor":            {l.subject("order-1"), "", whole, "not Tillbell's"},
	} {
		_, err := l.parse(c.subject, nats.Header{jetstream.ExpectedLastSubjSeqHeader: {c.before}}, c.data, 5)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "message 5") {
			t.Errorf("%s: %v, want an error with %q", what, err, c.says)
		}
	}
}
