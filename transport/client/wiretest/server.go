package wiretest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server plays one fixture, once. It is an http.Handler for HTTP/1.1, on whatever listener its user has.
type Server struct {
	fixture Fixture

	mu    sync.Mutex
	asked map[string]int
	order []string
	wrong []string
}

// NewServer returns a Server at the fixture's beginning.
func NewServer(f Fixture) *Server { return &Server{fixture: f, asked: make(map[string]int)} }

// Asked returns the routes that were asked, in order.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// Wrong returns what was wrong with the requests so far, and with their number.
func (s *Server) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := slices.Clone(s.wrong)
	for route, n := range s.asked {
		if most := s.fixture.Client.Most[route]; n > most {
			wrong = append(wrong, fmt.Sprintf("%s was asked %d times, may be %d", route, n, most))
		}
	}
	return wrong
}

// ServeHTTP gives the next answer of the route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := s.next(r)
	if !ok {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"status":404,"code":"not_found","title":"Not Found"}`))
		return
	}
	if !wait(r, time.Duration(a.Delay)) {
		return
	}
	if a.Status == 0 && route(r) == "ws" {
		a.upgrade(w, r)
		return
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(max(a.Status, http.StatusOK))
	flush := http.NewResponseController(w).Flush
	_ = flush()
	for i, part := range a.Body {
		if i > 0 && !wait(r, time.Duration(a.Pause)) {
			return
		}
		if _, err := w.Write([]byte(part)); err != nil {
			return
		}
		_ = flush()
	}
	switch a.Then {
	case "hold":
		<-r.Context().Done()
	case "cut":
		panic(http.ErrAbortHandler)
	}
}

// next counts the request and returns its answer.
func (s *Server) next(r *http.Request) (Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	route := route(r)
	n := s.asked[route]
	s.asked[route]++
	s.order = append(s.order, route)
	answers := s.fixture.Server[route]
	if len(answers) == 0 {
		return Answer{}, false
	}
	a := answers[min(n, len(answers)-1)]
	for _, fault := range s.faults(r, a) {
		s.wrong = append(s.wrong, fmt.Sprintf("%s, request %d: %s", route, n+1, fault))
	}
	return a, true
}

// faults returns what is wrong with the request.
func (s *Server) faults(r *http.Request, a Answer) []string {
	var faults []string
	is := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	is(r.Method != http.MethodGet, "the method is %s", r.Method)
	is(strings.Contains(r.RequestURI, Ticket), "the ticket is in the URL")
	protocols := r.Header.Get("Sec-WebSocket-Protocol")
	is(r.Header.Get("Authorization") != "Bearer "+Ticket && !strings.Contains(protocols, "bearer."+Ticket), "there is no ticket")
	cursor := r.URL.Query().Get("after")
	switch route(r) {
	case "sse":
		accept := r.Header.Get("Accept")
		is(accept != "text/event-stream" && accept != "*/*", "it accepts %q", accept)
		is(cursor != "", "the cursor is in the URL")
		cursor = r.Header.Get("Last-Event-ID")
	case "ws":
		is(!strings.Contains(protocols, "tillbell.v1"), "the subprotocols are %q", protocols)
	case "poll":
		_, err := time.ParseDuration(r.URL.Query().Get("wait"))
		is(err != nil, "it waits for %q", r.URL.Query().Get("wait"))
	}
	is(a.After != nil && *a.After != cursor, "the cursor is %q, want %q", cursor, deref(a.After))
	return faults
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// route returns which of the routes is asked, or the path if it is none of the payment's.
func route(r *http.Request) string {
	_, rest, ok := strings.Cut(r.URL.EscapedPath(), "/v1/payments/")
	payment, name, _ := strings.Cut(rest, "/")
	if _, err := url.PathUnescape(payment); !ok || err != nil {
		return r.URL.Path
	}
	if name == "" {
		return "state"
	}
	return name
}

// wait reports whether the client was still there after d.
func wait(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
