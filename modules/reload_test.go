package modules

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/metrics"
)

// read returns a configuration with what the test adds to it.
func read(t *testing.T, document string) *config.Config {
	t.Helper()
	c, err := config.Load(config.LoadOptions{Schema: Schema(), Getenv: func(name string) (string, bool) {
		if name != "TILLBELL_CONFIG" {
			return "", false
		}
		return "api_keys: [a-key-that-is-long-enough-to-be-one]\ntickets: {secret: a-secret-that-is-long-enough-to-be-one}\n" + document, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newReloader returns a reloader of a program that was started with c, and what it logs.
func newReloader(t *testing.T, c *config.Config) (*reloader, *strings.Builder) {
	t.Helper()
	w, engine := wheel.New(), memory.New(memory.Options{})
	t.Cleanup(w.Stop)
	t.Cleanup(func() { _ = engine.Close() }) // a memory engine has nothing to lose
	r := relay.New(engine, w, relay.Options{Log: slog.New(slog.DiscardHandler)})
	keys, err := access(c)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	route := callback.NewRoute(callback.RouteOptions{Relay: r, Metrics: metrics.New(), Log: log}, nil)
	server := transport.New(transport.Options{Relay: r, Access: keys, Callbacks: http.NotFoundHandler(), Metrics: metrics.New(), Log: log})
	return &reloader{started: c, current: c, route: route, server: server, log: log}, &said
}

// TestReloadReport: what changed is told against what was read last, and what needs a restart against what the process
// was started with, for as long as it does.
func TestReloadReport(t *testing.T) {
	r, said := newReloader(t, read(t, ""))
	for _, step := range []struct {
		name, document string
		changed        string
		restart        string
	}{
		{"the same", "", `changed="nothing changed"`, ""},
		{"listen", "listen: :81", `changed="nothing changed"`, "settings=listen"},
		{"listen, read again", "listen: :81", `changed="nothing changed"`, "settings=listen"},
		{"public_url", "public_url: https://pay.shop.example", `changed="nothing changed"`, "settings=public_url"},
		{"engine", "engine: disk:/var/lib/tillbell", `changed="nothing changed"`, "settings=engine"},
		{"cluster", "engine: nats-embedded\ncluster: {name: a, dir: d}", `changed="nothing changed"`, `settings="engine, cluster.name, cluster.dir"`},
		{"await.heartbeat", "await: {heartbeat: 5s}", `changed="nothing changed"`, "settings=await.heartbeat"},
		{"cors", "cors: {origins: ['https://shop.example']}", "changed=cors.origins", ""},
		{"back", "", "changed=cors.origins", ""},
	} {
		said.Reset()
		r.load = func() (*config.Config, error) { return read(t, step.document), nil }
		r.reload()
		text := said.String()
		if !strings.Contains(text, `"configuration reloaded" `+step.changed) {
			t.Errorf("%s: it logs\n%swant %s", step.name, text, step.changed)
		}
		if step.restart == "" && strings.Contains(text, "restart") || !strings.Contains(text, step.restart) {
			t.Errorf("%s: it logs\n%swant as needing a restart: %q", step.name, text, step.restart)
		}
	}
	said.Reset()
	r.load = func() (*config.Config, error) { return nil, errors.New("cannot be read") }
	r.reload()
	if text := said.String(); !strings.Contains(text, "not reloaded") || !strings.Contains(text, "cannot be read") {
		t.Errorf("it logs\n%swant the error", text)
	}
}

// TestReloadKeepsProviders: a provider that nothing is changed of stays the one it is, with what it remembers.
func TestReloadKeepsProviders(t *testing.T) {
	document := func(secret, registration string) string {
		return "sources: {a: {provider: razorpay, secrets: [first], registration: " + registration + "}, b: {provider: razorpay, secrets: [" + secret + "]}}"
	}
	c := read(t, document("one", "optional"))
	r, _ := newReloader(t, c)
	sources, err := Sources(c)
	if err != nil {
		t.Fatal(err)
	}
	r.route.SetSources(sources)
	r.load = func() (*config.Config, error) { return read(t, document("two", "required")), nil }
	r.reload()
	a, _ := r.route.Source("a")
	if a.Provider != sources["a"].Provider || !a.NeedsRegistration {
		t.Error("a source whose registration changed has another provider, or none of the change")
	}
	if b, _ := r.route.Source("b"); b.Provider == sources["b"].Provider {
		t.Error("a source with another secret kept its provider")
	}
	if _, ok := r.route.Source("c"); ok {
		t.Error("there is a source c")
	}
}
