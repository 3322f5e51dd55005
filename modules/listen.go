package modules

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"go.uber.org/fx"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	clientjs "github.com/tillbell/tillbell/transport/client/js"
	"github.com/tillbell/tillbell/transport/metrics"
)

// listen is the callback route and the two listeners.
func listen() fx.Option {
	return fx.Module("listen", fx.Provide(access, newMetrics, newRoute, newServer, newAdmin))
}

func newMetrics(r *relay.Relay) *metrics.Metrics {
	m := metrics.New()
	m.Waiters(r.Waiters)
	return m
}

// route is what the callback route is made of.
type route struct {
	fx.In

	Config  *config.Config
	Relay   *relay.Relay
	Metrics *metrics.Metrics
	Log     *slog.Logger
	Watch   Watch `optional:"true"`
}

// Watch is who looks on, callbacks at one end and waits at the other. Nobody does by default.
type Watch struct {
	// Trace is told what becomes of callbacks.
	Trace callback.Trace
	// Transport is put around each transport.
	Transport func(transport.Transport) transport.Transport
}

func newRoute(in route) (*callback.Route, error) {
	sources, err := Sources(in.Config)
	if err != nil {
		return nil, err
	}
	proxies := prefixes(in.Config.TrustedProxies)
	return callback.NewRoute(callback.RouteOptions{
		Relay: in.Relay, Metrics: in.Metrics, Log: in.Log, MaxBody: int64(in.Config.Limits.CallbackBody), Trace: in.Watch.Trace,
		Address: func(r *http.Request) netip.Addr { return transport.ClientAddress(r, proxies) },
	}, sources), nil
}

// server is what the public listener is made of.
type server struct {
	fx.In

	Config  *config.Config
	Relay   *relay.Relay
	Wheel   *wheel.Wheel
	Access  *transport.Access
	Route   *callback.Route
	Metrics *metrics.Metrics
	Log     *slog.Logger
	Extra   Extra `optional:"true"`
	Watch   Watch `optional:"true"`
}

// Extra are further routes of the public listener, and what wraps all of them.
type Extra struct {
	Routes map[string]http.Handler
	Wrap   func(http.Handler) http.Handler
}

func newServer(lc fx.Lifecycle, in server) *transport.Server {
	c := in.Config
	ways := transports(in.Wheel, c)
	if in.Watch.Transport != nil {
		for i, t := range ways {
			ways[i] = in.Watch.Transport(t)
		}
	}
	s := transport.New(transport.Options{
		Addr: c.Listen, CertFile: c.TLS.Cert, KeyFile: c.TLS.Key, PublicURL: c.PublicURL,
		TicketTTL: c.Await.TTL, MaxTTL: c.Await.MaxTTL, Retention: c.Retention,
		TrustedProxies: prefixes(c.TrustedProxies),
		Delay:          c.Shutdown.Delay, Drain: c.Shutdown.Drain,
		Relay: in.Relay, Access: in.Access, Transports: ways,
		KnowsSource: in.Route.Knows, SourceNames: in.Route.Names, Callbacks: in.Route,
		Client: clientjs.Module, Classic: clientjs.Classic,
		Extra: in.Extra.Routes, Wrap: in.Extra.Wrap,
		Metrics: in.Metrics, Log: in.Log,
	})
	lc.Append(fx.StartStopHook(s.Start, s.Stop))
	return s
}

// newAdmin returns nil where the admin listener is turned off.
func newAdmin(lc fx.Lifecycle, c *config.Config, a *transport.Access, m *metrics.Metrics, log *slog.Logger) *transport.Admin {
	if c.Admin == "" {
		return nil
	}
	admin := transport.NewAdmin(transport.AdminOptions{Addr: c.Admin, Access: a, Metrics: m, Log: log})
	lc.Append(fx.StartStopHook(admin.Start, admin.Stop))
	return admin
}

// prefixes reads addresses and CIDR prefixes, which config.Validate has checked.
func prefixes(texts []string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, p.Masked())
		} else if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return list
}
