package callback

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/metrics"
)

// Source is one configured account that may post callbacks.
type Source struct {
	Name string
	// ProviderName is the adapter's name.
	ProviderName string
	Provider     Provider
	// NeedsRegistration holds events back until their payment is registered.
	NeedsRegistration bool
}

// Events returns what a callback of s said in the form in which it is stored, and beside each the provider's name of
// its kind. Ids carry the source, and the payment too where one callback is about several. Events without a usable
// payment id are left out.
func (s Source) Events(parsed []Event) (events []relay.Event, types []string) {
	for i := range parsed {
		if unusable(parsed[i]) {
			continue
		}
		events, types = append(events, s.event(&parsed[i])), append(types, parsed[i].Type)
	}
	return events, types
}

// unusable reports that an event's payment id cannot be one.
func unusable(e Event) bool { return relay.CheckPayment(e.Payment) != nil }

// event returns p as it is stored.
func (s *Source) event(p *Event) relay.Event {
	e := p.Event
	id := e.ID
	if p.Derived {
		id = string(e.Status) + ":" + string(e.Amount) + ":" + id
	}
	if p.Shared {
		id = e.Payment + ":" + id
	}
	e.ID = s.Name + ":" + id
	e.Source, e.Provider, e.NeedsRegistration = s.Name, s.ProviderName, s.NeedsRegistration
	return e
}

// RouteOptions of a Route.
type RouteOptions struct {
	Relay   *relay.Relay
	Metrics *metrics.Metrics
	Log     *slog.Logger
	// MaxBody bounds a callback's body in bytes.
	MaxBody int64
	// Trace is told what becomes of each callback. Nil is nobody.
	Trace Trace
}

// Route is the handler of /v1/callbacks/{source}. It bounds its own reads and writes.
type Route struct {
	opts    RouteOptions
	large   chan struct{} // holds one for each large body
	sources atomic.Pointer[map[string]*account]
}

// account is a Source with what the Route keeps beside it.
type account struct {
	Source
	counts    *metrics.Callbacks
	strangers quota
}

// storeTime bounds how long the engine may take: the least patient providers give up after 5 s.
const storeTime = 4 * time.Second

// readTime bounds how long a callback's body may take to arrive.
const readTime = 10 * time.Second

// NewRoute returns a Route for the sources.
func NewRoute(o RouteOptions, sources map[string]Source) *Route {
	rt := &Route{opts: o, large: make(chan struct{}, largeBodies)}
	rt.SetSources(sources)
	return rt
}

// SetSources replaces the sources, for callbacks from this moment on.
func (rt *Route) SetSources(sources map[string]Source) {
	accounts := make(map[string]*account, len(sources))
	for name, s := range sources {
		accounts[name] = &account{Source: s, counts: rt.opts.Metrics.Callbacks(s.Name)}
	}
	rt.sources.Store(&accounts)
}

// Knows reports whether there is a source of the name.
func (rt *Route) Knows(name string) bool {
	_, ok := (*rt.sources.Load())[name]
	return ok
}

// Names returns the names of all sources in order.
func (rt *Route) Names() []string { return slices.Sorted(maps.Keys(*rt.sources.Load())) }

// noStore is a header's value that all answers share: nobody changes it.
var noStore = []string{"no-store"}

// ServeHTTP verifies, stores, and answers in the provider's words.
func (rt *Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	// Neither fails on a connection of net/http, which waits for an announced body whatever the answer is.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(begin.Add(readTime))
	_ = c.SetWriteDeadline(begin.Add(readTime + storeTime + readTime))
	source, ok := (*rt.sources.Load())[r.PathValue("source")]
	if !ok {
		transport.NewProblem(http.StatusNotFound, "unknown_source", "no source of this name is configured").Write(w)
		return
	}

	var watching Observer // nil if there is no Trace
	if rt.opts.Trace != nil {
		watching = rt.opts.Trace.Received(r.Context(), source.Name)
	}
	result, err := rt.take(w, r, source, watching)
	answer := source.Provider.Answer(err)
	h := w.Header()
	h["Cache-Control"] = noStore
	if answer.ContentType != "" {
		h.Set("Content-Type", answer.ContentType)
	}
	if answer.Status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodPost)
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body) // a provider that is gone calls again
	if watching != nil {
		watching.Answered(answer.Status, err)
	}
	rt.report(source, result, err, time.Since(begin))
}

// take does all but the answer. The result is for the metric.
func (rt *Route) take(w http.ResponseWriter, r *http.Request, source *account, watching Observer) (result string, err error) {
	parsed, err := rt.parse(w, r, source)
	if err != nil {
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			return string(refusal.Reason), err
		}
		return "busy", err
	}
	events := slices.DeleteFunc(parsed, unusable)
	if n := len(parsed) - len(events); n > 0 {
		for range n {
			rt.opts.Metrics.Unusable(source.Name)
		}
		rt.opts.Log.Warn("no usable payment id", "source", source.Name, "events", n)
	}
	if watching != nil {
		stored, _ := source.Events(events)
		watching.Verified(stored)
	}
	// A provider that hangs up meanwhile must not leave half of its callback stored.
	ctx := &patience{parent: r.Context(), until: time.Now().Add(storeTime)}
	defer ctx.release()
	result = "ignored"
	for i := range events {
		e := source.event(&events[i])
		receipt, err := rt.opts.Relay.Publish(ctx, e)
		if err != nil {
			return "unavailable", err
		}
		if watching != nil {
			watching.Stored(e, receipt)
		}
		if result != "stored" {
			result = "duplicate"
		}
		if !receipt.Duplicate {
			result = "stored"
			rt.conflict(&e, receipt)
		}
	}
	return result, nil
}

func (rt *Route) parse(w http.ResponseWriter, r *http.Request, source *account) ([]Event, error) {
	if r.Method != http.MethodPost {
		return nil, Refuse(MethodNotAllowed, "callbacks are POST")
	}
	body, err := rt.readBody(w, r)
	defer body.release()
	if errors.Is(err, errBusy) {
		return nil, err
	}
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, Refuse(TooLarge, "the body is larger than limits.callback_body")
		}
		return nil, Refuse(Malformed, "the body did not arrive as announced")
	}
	return source.Provider.Parse(Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body.Bytes()}, time.Now())
}
