package callback

import (
	"bytes"
	"context"
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
	for _, p := range parsed {
		if relay.CheckPayment(p.Payment) != nil {
			continue
		}
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
		events, types = append(events, e), append(types, p.Type)
	}
	return events, types
}

// RouteOptions of a Route.
type RouteOptions struct {
	Relay   *relay.Relay
	Metrics *metrics.Metrics
	Log     *slog.Logger
	// MaxBody bounds a callback's body in bytes.
	MaxBody int64
}

// Route is the handler of /v1/callbacks/{source}.
type Route struct {
	opts    RouteOptions
	large   chan struct{} // holds one for each large body
	sources atomic.Pointer[map[string]Source]
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
func (rt *Route) SetSources(sources map[string]Source) { rt.sources.Store(&sources) }

// Knows reports whether there is a source of the name.
func (rt *Route) Knows(name string) bool {
	_, ok := (*rt.sources.Load())[name]
	return ok
}

// Names returns the names of all sources in order.
func (rt *Route) Names() []string { return slices.Sorted(maps.Keys(*rt.sources.Load())) }

// ServeHTTP verifies, stores, and answers in the provider's words.
func (rt *Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	source, ok := (*rt.sources.Load())[r.PathValue("source")]
	if !ok {
		transport.NewProblem(http.StatusNotFound, "unknown_source", "no source of this name is configured").Write(w)
		return
	}
	// Neither fails on a connection of net/http.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(begin.Add(readTime))
	_ = c.SetWriteDeadline(begin.Add(readTime + storeTime + readTime))

	result, err := rt.take(w, r, source)
	answer := source.Provider.Answer(err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if answer.ContentType != "" {
		h.Set("Content-Type", answer.ContentType)
	}
	if answer.Status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodPost)
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body) // a provider that is gone calls again
	rt.report(source, result, err, time.Since(begin))
}

// report counts the callback and logs it as one line. A refused one is no alarm: anybody can post one.
func (rt *Route) report(source Source, result string, err error, took time.Duration) {
	rt.opts.Metrics.Callback(source.Name, result, took)
	level, why := slog.LevelInfo, slog.Attr{}
	var refusal *Refusal
	switch {
	case err == nil:
	case errors.As(err, &refusal):
		why = slog.String("detail", refusal.Detail)
		if refusal.Genuine {
			level = slog.LevelWarn
		}
	default:
		level, why = slog.LevelError, slog.Any("error", err)
	}
	rt.opts.Log.LogAttrs(context.Background(), level, "callback",
		slog.String("source", source.Name), slog.String("result", result), slog.Duration("took", took), why)
}

// take does all but the answer. The result is for the metric.
func (rt *Route) take(w http.ResponseWriter, r *http.Request, source Source) (result string, err error) {
	parsed, err := rt.parse(w, r, source)
	if err != nil {
		result = "busy"
		if refusal := new(Refusal); errors.As(err, &refusal) {
			result = string(refusal.Reason)
		}
		return result, err
	}
	// A provider that hangs up meanwhile must not leave half of its callback stored.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTime)
	defer cancel()
	result = "ignored"
	events, _ := source.Events(parsed)
	if unusable := len(parsed) - len(events); unusable > 0 {
		for range unusable {
			rt.opts.Metrics.Unusable(source.Name)
		}
		rt.opts.Log.Warn("no usable payment id", "source", source.Name, "events", unusable)
	}
	for _, e := range events {
		receipt, err := rt.opts.Relay.Publish(ctx, e)
		if err != nil {
			return "unavailable", err
		}
		if result != "stored" {
			result = "duplicate"
		}
		if !receipt.Duplicate {
			result = "stored"
			rt.conflict(e, receipt)
		}
	}
	return result, nil
}

func (rt *Route) conflict(e relay.Event, receipt relay.Receipt) {
	if receipt.Conflict == "" {
		return
	}
	rt.opts.Metrics.Conflict(e.Source)
	rt.opts.Log.Warn("conflict", "source", e.Source, "payment", e.Payment, "position", receipt.Position.String(),
		"reason", receipt.Conflict)
}

func (rt *Route) parse(w http.ResponseWriter, r *http.Request, source Source) ([]Event, error) {
	if r.Method != http.MethodPost {
		return nil, Refuse(MethodNotAllowed, "callbacks are POST")
	}
	body, done, err := rt.readBody(http.MaxBytesReader(w, r.Body, rt.opts.MaxBody), r.ContentLength)
	defer done()
	if errors.Is(err, errBusy) {
		return nil, err
	}
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, Refuse(TooLarge, "the body is larger than limits.callback_body")
		}
		return nil, Refuse(Malformed, "the body did not arrive as announced")
	}
	events, err := source.Provider.Parse(Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body}, time.Now())
	if err != nil {
		return nil, err
	}
	return events, nil
}

// smallBody is what callbacks usually have and how much of each is read without more ado. The rest of larger ones is
// read for largeBodies of them at a time, so that strangers cannot make the process hold any number of large bodies.
const (
	smallBody   = 64 << 10
	largeBodies = 32
)

// errBusy answers one more large body, to be sent again.
var errBusy = errors.New("callback: too many large bodies at once")

// readBody returns the body and what gives its room back.
func (rt *Route) readBody(r io.Reader, announced int64) (body []byte, done func(), err error) {
	buf := bytes.NewBuffer(make([]byte, 0, bytes.MinRead+min(max(announced, 0), smallBody)))
	n, err := buf.ReadFrom(io.LimitReader(r, smallBody))
	if err != nil || n < smallBody {
		return buf.Bytes(), func() {}, err
	}
	select {
	case rt.large <- struct{}{}:
	default:
		return nil, func() {}, errBusy
	}
	_, err = buf.ReadFrom(r)
	return buf.Bytes(), func() { <-rt.large }, err
}
