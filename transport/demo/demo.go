// Package demo is the shop that `tillbell dev` serves at /demo: it makes orders, shows a code to pay, and has buttons
// that let a provider call back. Its callbacks are signed and go through the real callback route, and its page learns
// of them as any shop's page would: through /client.js and a ticket.
//
// Beside the checkout it shows what becomes of each callback (package live), and its page waits over a line that can be cut
// and frozen (package line).
//
// Whoever reaches the shop can complete payments. Its changing routes therefore answer to its own page alone, and
// Loopback keeps all routes of the listener to this machine.
package demo

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/demo/line"
	"github.com/tillbell/tillbell/transport/demo/live"
	"github.com/tillbell/tillbell/transport/ticket"
)

// Source is one source that the shop can charge.
type Source struct {
	// Name is the source's, Label what people call it.
	Name, Label string
	// Currency of its orders: a code of ISO 4217 with two decimals.
	Currency string
	// Account makes its callbacks.
	Account fault.Account
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
	// Announce tells the provider's API of a callback, signed at the time at, that will be asked back. Nil tells nobody.
	Announce func(ctx context.Context, p fault.Posting, at time.Time) error
	// Live is what the callback route and the transports are watched with. Nil has the page see nothing.
	Live *live.Live
	// Command is how the user calls this program, to show in the page. "" is tillbell.
	Command string
	// Log is told of orders that could not be made. Nil is slog.Default.
	Log *slog.Logger
}

// Shop has the orders' and the simulation's routes. It keeps no order: the relay knows them.
type Shop struct {
	opts     Options
	counters []counter
	lines    *line.Lines
}

// New returns a Shop. It signs callbacks of each status and with each fault with each source, to see which of them the
// provider has. Its pages' streams end when the relay drains.
func New(o Options) *Shop {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Live == nil {
		o.Live = live.New()
	}
	s := &Shop{opts: o, lines: line.New(o.Relay.Draining())}
	for _, source := range o.Sources {
		s.counters = append(s.counters, newCounter(source))
	}
	return s
}

// Routes returns the shop's routes by pattern, for transport.Options.Extra.
func (s *Shop) Routes() map[string]http.Handler {
	get, post, read := []string{http.MethodGet}, []string{http.MethodPost}, []string{http.MethodGet, http.MethodHead}
	routes := map[string]http.Handler{
		"/{$}":         only(read, http.RedirectHandler("/demo", http.StatusFound).ServeHTTP), // not for good: the port may be another server's soon
		"/demo":        only(read, servePage(s.counters, s.opts.Command)),
		"/demo/{$}":    only(read, http.RedirectHandler("/demo", http.StatusPermanentRedirect).ServeHTTP),
		"/demo/orders": only(post, ownPage(s.order)),
		"/demo/pay":    only(post, ownPage(s.pay)),
		"/demo/live":   only(get, ownPage(s.opts.Live.Handler(s.opts.Relay.Draining()))),
		linePath:       only(post, ownPage(s.line)),
	}
	lines := http.StripPrefix(linePath, s.lines)
	for _, below := range []string{"", "/sse", "/ws", "/poll"} {
		routes[linePath+"/v1/payments/{payment}"+below] = only(get, ownPage(lines.ServeHTTP))
	}
	for path, h := range assets() {
		routes[path] = only(read, h)
	}
	return routes
}

// Wrap goes around all routes of the listener, for transport.Options.Wrap: it is Loopback, and sees who reads the state of
// a payment.
func (s *Shop) Wrap(h http.Handler) http.Handler { return Loopback(s.opts.Live.Reads(h)) }

// Stop waits for what the server does not know of, the connections of pages that wait. When ctx is done it cuts them. It
// is called after the server has stopped.
func (s *Shop) Stop(ctx context.Context) error { return s.lines.Stop(ctx) }

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
