package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// callbacks is the path of Options.Callbacks, which bounds each request by itself and more tightly.
const callbacks = "/v1/callbacks/"

// nosniff is a header's value that all answers share: nobody changes it.
var nosniff = []string{"nosniff"}

// Handler returns all routes of the public listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(callbacks+"{source}", s.opts.Callbacks) // says 405 itself, in the provider's words
	mux.HandleFunc("/v1/payments/{payment}", s.servePayment)
	mux.HandleFunc("/v1/payments/{payment}/events", allow(s.merchant(s.publish), "POST"))
	mux.HandleFunc("/v1/events", allow(s.merchant(s.feed), "GET"))
	for _, t := range s.opts.Transports {
		mux.HandleFunc("/v1/payments/{payment}/"+t.Name(), s.cors(allow(s.wait(t), "GET", "OPTIONS")))
	}
	mux.HandleFunc("/client.js", allow(script(s.opts.Client), "GET", "HEAD"))
	mux.HandleFunc("/client.classic.js", allow(script(s.opts.Classic), "GET", "HEAD"))
	mux.HandleFunc("/healthz", allow(s.health, "GET", "HEAD"))
	mux.HandleFunc("/readyz", allow(s.ready, "GET", "HEAD"))
	for pattern, h := range s.opts.Extra {
		mux.Handle(pattern, h)
	}
	mux.HandleFunc("/", s.nowhere)
	var routes http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux redirects paths that are not clean; a callback or a stream must not be redirected.
		if p := r.URL.EscapedPath(); p != cleanPath(p) || r.RequestURI == "*" {
			s.nowhere(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	if s.opts.Wrap != nil {
		routes = s.opts.Wrap(routes)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recover(r)
		w.Header()["X-Content-Type-Options"] = nosniff
		if !strings.HasPrefix(r.URL.Path, callbacks) {
			s.bound(w)
		}
		routes.ServeHTTP(w, r)
	})
}

func cleanPath(p string) string {
	c := path.Clean(p)
	if strings.HasSuffix(p, "/") && c != "/" {
		c += "/"
	}
	return c
}

// allow answers other methods than those with 405.
func allow(h http.HandlerFunc, methods ...string) http.HandlerFunc {
	list := strings.Join(methods, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", list)
			NewProblem(http.StatusMethodNotAllowed, "method_not_allowed", "use "+list).Write(w)
			return
		}
		h(w, r)
	}
}

// nowhere is notFound for every path, that of a callback's included.
func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	s.bound(w)
	notFound(w, r)
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	NewProblem(http.StatusNotFound, "not_found", "there is nothing at this path").Write(w)
}

// recover logs a panic, which net/http would log as a mere line of debugging, and lets net/http cut the connection.
func (s *Server) recover(r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.log.Error("panic", "route", r.Pattern, "reason", fmt.Sprint(v), "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// bound gives the request RequestTime to arrive, and its answer as long again to be taken. Every request but a
// callback starts like this; net/http takes the deadlines away when the request is over.
func (s *Server) bound(w http.ResponseWriter) {
	arrived := time.Now().Add(s.opts.RequestTime)
	setDeadlines(w, arrived, arrived.Add(s.opts.RequestTime))
}

// Unbound takes away the deadlines of a request whose answer will take its time. The caller bounds each write itself,
// and has seen that no body is announced: nothing else bounds how long that may take to arrive.
func Unbound(w http.ResponseWriter) { setDeadlines(w, time.Time{}, time.Time{}) }

func setDeadlines(w http.ResponseWriter, read, write time.Time) {
	c := http.NewResponseController(w)
	// Neither can fail on a connection of net/http; a ResponseWriter of a test has no deadlines to set.
	_ = c.SetReadDeadline(read)
	_ = c.SetWriteDeadline(write)
}

// refuseBody answers a request that waits and announces a body with 400: while a body is outstanding, net/http does
// not notice that a client goes away.
func refuseBody(w http.ResponseWriter, r *http.Request) (refused bool) {
	if r.ContentLength == 0 {
		return false
	}
	NewProblem(http.StatusBadRequest, "bad_request", "this request must have no body").Write(w)
	return true
}

// engineTime bounds how long a request waits for the engine. It is shorter than RequestTime's default, so that the
// client is told.
const engineTime = 10 * time.Second

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyTime bounds how long /readyz asks the engine: platforms give a probe about a second.
const readyTime = 2 * time.Second

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if s.leaving.Load() {
		closing.Problem().Write(w)
		return
	}
	switch err := s.relay.Ready(ctx); {
	case errors.Is(err, relay.ErrClosing):
		closing.Problem().Write(w)
	case err != nil:
		s.log.Error("not ready", "error", err)
		NewProblem(http.StatusServiceUnavailable, "unavailable", "the engine cannot be reached").Write(w)
	default:
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}
