// Package demo is the shop that `tillbell dev` serves at /demo: it makes orders, shows a code to pay, and has buttons
// that let a provider call back. Its callbacks are signed and go through the real callback route, and its page learns
// of them as any shop's page would: through /client.js and a ticket.
//
// Whoever reaches the shop can complete payments. Its changing routes therefore answer to its own page alone, and
// Loopback keeps all routes of the listener to this machine.
package demo

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/ticket"
)

// Source is one source that the shop can charge.
type Source struct {
	// Name is the source's, Label what people call it.
	Name, Label string
	// Currency of its orders: a code of ISO 4217 with two decimals.
	Currency string
	// Signer makes its callbacks.
	Signer callback.Signer
}

// Options of the shop.
type Options struct {
	Relay *relay.Relay
	// Tickets must have a secret to mint with.
	Tickets *ticket.Keys
	// Sources are shown in this order.
	Sources []Source
	// Callbacks is the handler of /v1/callbacks/{source}.
	Callbacks http.Handler
	// Log is told of orders that could not be made. Nil is slog.Default.
	Log *slog.Logger
}

// New returns the shop's routes by pattern, for transport.Options.Extra. It signs one callback of each status with
// each source, to see which of them the provider has.
func New(o Options) map[string]http.Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &shop{opts: o}
	for _, source := range o.Sources {
		s.counters = append(s.counters, counter{Source: source, Actions: supported(source.Signer)})
	}
	read := []string{http.MethodGet, http.MethodHead}
	routes := map[string]http.Handler{
		"/{$}":         only(read, http.RedirectHandler("/demo", http.StatusFound).ServeHTTP), // not for good: the port may be another server's soon
		"/demo":        only(read, servePage(s.counters)),
		"/demo/{$}":    only(read, http.RedirectHandler("/demo", http.StatusPermanentRedirect).ServeHTTP),
		"/demo/orders": only([]string{http.MethodPost}, ownPage(s.order)),
		"/demo/pay":    only([]string{http.MethodPost}, ownPage(s.pay)),
	}
	for path, h := range assets() {
		routes[path] = only(read, h)
	}
	return routes
}

// only answers other methods than those with 405.
func only(methods []string, h http.HandlerFunc) http.Handler {
	list := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range methods {
			if r.Method == m {
				h(w, r)
				return
			}
		}
		w.Header().Set("Allow", list)
		transport.NewProblem(http.StatusMethodNotAllowed, "method_not_allowed", "use "+list).Write(w)
	})
}
