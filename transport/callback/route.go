package callback

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/metrics"
)

// RouteOptions of a Route.
type RouteOptions struct {
	Relay   *relay.Relay
	Metrics *metrics.Metrics
	Log     *slog.Logger
	// MaxBody bounds a callback's body in bytes.
	MaxBody int64
	// Address returns who a callback's limits count for, behind proxies too. Nil is Peer.
	Address func(*http.Request) netip.Addr
	// Trace is told what becomes of each callback. Nil is nobody.
	Trace Trace
}

// Route is the handler of /v1/callbacks/{source}. It bounds its own reads and writes.
type Route struct {
	opts    RouteOptions
	large   chan struct{} // holds one for each large body
	sources atomic.Pointer[map[string]*account]
}

// storeTime bounds how long the engine may take: the least patient providers give up after 5 s.
const storeTime = 4 * time.Second

// readTime bounds how long a callback's body may take to arrive.
const readTime = 10 * time.Second

// NewRoute returns a Route for the sources.
func NewRoute(o RouteOptions, sources map[string]Source) *Route {
	if o.Address == nil {
		o.Address = Peer
	}
	rt := &Route{opts: o, large: make(chan struct{}, largeBodies)}
	rt.SetSources(sources)
	return rt
}

// SetSources replaces the sources, for callbacks from this moment on. A source that stays keeps what is known of its
// senders.
func (rt *Route) SetSources(sources map[string]Source) {
	var before map[string]*account
	if old := rt.sources.Load(); old != nil {
		before = *old
	}
	accounts := make(map[string]*account, len(sources))
	for name, s := range sources {
		accounts[name] = rt.account(s, before[name])
	}
	rt.sources.Store(&accounts)
}

// Source returns the source of the name, if there is one.
func (rt *Route) Source(name string) (Source, bool) {
	a, ok := (*rt.sources.Load())[name]
	if !ok {
		return Source{}, false
	}
	return a.Source, true
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
	source, ok := (*rt.sources.Load())[r.PathValue("source")]
	_ = c.SetWriteDeadline(begin.Add(source.answerTime()))
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
	if d, ok := errors.AsType[*delay](err); ok {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.again.Seconds()))))
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body) // a provider that is gone calls again
	if watching != nil {
		watching.Answered(answer.Status, err)
	}
	source.judge(result, err, func() origin { return rt.origin(r) })
	rt.report(source, result, err, time.Since(begin))
}

// take does all but the answer. The result is for the metric.
func (rt *Route) take(w http.ResponseWriter, r *http.Request, source *account, watching Observer) (result string, err error) {
	parsed, err := rt.parse(w, r, source)
	if err == nil {
		parsed, err = rt.fetched(r, source, parsed)
	}
	if err != nil {
		return resultOf(err), err
	}
	events := slices.DeleteFunc(parsed, unusable)
	if n := len(parsed) - len(events); n > 0 {
		for range n {
			rt.opts.Metrics.Unusable(source.Name)
		}
		if omitted, ok := source.unusable.take(time.Now()); ok {
			rt.opts.Log.Warn("no usable payment id", "source", source.Name, "events", n, "omitted", omitted)
		}
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
	if source.strain != nil && !source.strain.bears(func() origin { return rt.origin(r) }, time.Now()) {
		return nil, &delay{again: restTime}
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
	in := Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body.Bytes()}
	if source.strain != nil {
		in.Doubtful = func() bool { return source.standing.grade(rt.origin(r), time.Now()) == wasteful }
	}
	events, err := source.Provider.Parse(in, time.Now())
	if err != nil {
		if _, refused := errors.AsType[*Refusal](err); !refused {
			return nil, &failure{"uncheckable", err}
		}
	}
	return events, err
}
