package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/metrics"
)

// engine is the memory engine with a hook before every Append, whose error the Append then returns.
type engine struct {
	relay.Engine
	before func(ctx context.Context, e relay.Event) error
}

func (e *engine) Append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	if e.before != nil {
		if err := e.before(ctx, ev); err != nil {
			return relay.Entry{}, false, err
		}
	}
	return e.Engine.Append(ctx, ev)
}

// house is a Route with a source for each adapter over a running relay.
type house struct {
	t       testing.TB
	engine  *engine
	relay   *relay.Relay
	route   *callback.Route
	metrics *metrics.Metrics
	log     *lines
	http.Handler
}

const maxBody = 128 << 10

// newHouse returns a house whose stop ends all that it started. In a bubble, stop must be called in it.
func newHouse(t testing.TB, change ...func(map[string]callback.Source)) (h *house, stop func()) {
	t.Helper()
	h = &house{t: t, engine: &engine{Engine: memory.New(memory.Options{})}, metrics: metrics.New(), log: new(lines)}
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := wheel.New()
	h.relay = relay.New(h.engine, w, relay.Options{Log: log})
	if err := h.relay.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]callback.Source)
	for name, a := range accounts() {
		sources[name] = callback.Source{Name: name, ProviderName: "adapter-of-" + name, Provider: a.Provider}
	}
	for _, f := range change {
		f(sources)
	}
	h.route = callback.NewRoute(
		callback.RouteOptions{Relay: h.relay, Metrics: h.metrics, Log: log, MaxBody: maxBody}, sources)
	mux := http.NewServeMux()
	mux.Handle("/v1/callbacks/{source}", h.route)
	h.Handler = mux
	return h, func() {
		if err := h.relay.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		w.Stop()
		if err := h.engine.Close(); err != nil {
			t.Error(err)
		}
	}
}

// start returns a house that is stopped when the test is over.
func start(t testing.TB, change ...func(map[string]callback.Source)) *house {
	h, stop := newHouse(t, change...)
	t.Cleanup(stop)
	return h
}

// request is r as it comes in at a source's URL.
func request(source string, r callback.Request) *http.Request {
	in := httptest.NewRequest(r.Method, "/v1/callbacks/"+source, bytes.NewReader(r.Body))
	in.Header = r.Header.Clone()
	return in
}

func (h *house) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (h *house) post(source string, r callback.Request) *httptest.ResponseRecorder {
	return h.serve(request(source, r))
}

// answers checks that w is exactly the provider's answer to err.
func answers(t testing.TB, w *httptest.ResponseRecorder, p callback.Provider, err error) {
	t.Helper()
	want := p.Answer(err)
	got := callback.Answer{Status: w.Code, ContentType: w.Header().Get("Content-Type"), Body: w.Body.String()}
	if got != want {
		t.Errorf("answered %+v, want %+v", got, want)
	}
}

// stored returns a payment's state and the ids that its log has, in order.
func (h *house) stored(payment string) (relay.State, []string) {
	h.t.Helper()
	state, records, err := h.relay.History(context.Background(), payment)
	if err != nil {
		h.t.Fatal(err)
	}
	var ids []string
	for _, r := range records {
		ids = append(ids, r.Event.ID)
	}
	return state, ids
}

// empty checks that nothing at all is stored.
func (h *house) empty() {
	h.t.Helper()
	entries, err := h.engine.Scan(context.Background(), relay.Position{}, 10)
	if err != nil || len(entries) != 0 {
		h.t.Errorf("stored %+v, %v; want nothing", entries, err)
	}
}

// metric returns the value of a metric as the text format has it, "0" if it has none.
func (h *house) metric(series string) string {
	w := httptest.NewRecorder()
	h.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "0"
}

// counted checks how many callbacks of a source had a result.
func (h *house) counted(source, result, want string) {
	h.t.Helper()
	series := `tillbell_callbacks_total{result="` + result + `",source="` + source + `"}`
	if got := h.metric(series); got != want {
		h.t.Errorf("%s is %s, want %s", series, got, want)
	}
}

// lines is a log. It may be written to from many goroutines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*lines)(nil)

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// of returns the lines with the message.
func (l *lines) of(t testing.TB, message string) (found []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var attrs map[string]any
		if err := json.Unmarshal([]byte(line), &attrs); err != nil {
			t.Fatal(err)
		}
		if attrs["msg"] == message {
			found = append(found, attrs)
		}
	}
	return found
}
