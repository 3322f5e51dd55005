package modules

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay/engine/disk"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/alipay"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/callback/wechatpay"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/ws"
)

// Providers are the adapters by the name that a source's `provider` has.
var Providers = map[string]Adapter{
	"wechatpay-v3":      privately(adapter(wechatpay.New, wechatpay.NewSigner, wechatpay.Throwaway)),
	"alipay":            privately(adapter(alipay.New, alipay.NewSigner, alipay.Throwaway)),
	"stripe":            adapter(stripe.New, stripe.NewSigner, stripe.Throwaway),
	"standard-webhooks": adapter(standard.New, standard.NewSigner, standard.Throwaway),
}

// transports are the ways to write a wait, in the order in which a client should try them.
func transports(w *wheel.Wheel, c *config.Config) []transport.Transport {
	return []transport.Transport{
		sse.New(w, sse.Options{Heartbeat: c.Await.Heartbeat}),
		ws.New(w, ws.Options{Heartbeat: c.Await.Heartbeat}),
		poll.New(poll.Options{}),
	}
}

// engines are the logs by the first word of `engine`.
var engines = map[string]func(context.Context, *config.Config, *slog.Logger) (engine, error){
	"memory": func(_ context.Context, c *config.Config, _ *slog.Logger) (engine, error) {
		return engine{Engine: memory.New(memory.Options{Retention: c.Retention})}, nil
	},
	"disk": func(_ context.Context, c *config.Config, log *slog.Logger) (engine, error) {
		e, err := disk.New(disk.Options{Path: c.EnginePath(), Retention: c.Retention, Log: log})
		return engine{Engine: e}, err
	},
	"nats":          openNATS,
	"tls":           openNATS,
	"nats-embedded": openCluster,
}

func openNATS(ctx context.Context, c *config.Config, log *slog.Logger) (engine, error) {
	e, err := nats.New(ctx, nats.Options{URL: c.Engine, Retention: c.Retention, Log: log})
	return engine{Engine: e}, err
}

// Adapter is what a provider's package exports, with its Options hidden.
type Adapter struct {
	// Zero is the Options struct's zero value.
	Zero any
	// New, NewSigner take a source of the provider.
	New       func(config.Source) (callback.Provider, error)
	NewSigner func(s config.Source, key string) (callback.Signer, error)
	// PrivateKey says that the provider signs with a private key, which no configuration has.
	PrivateKey bool
	// Throwaway returns Options with fresh keys, and the provider's private key where it has one.
	Throwaway func() (options any, key string, err error)
}

func adapter[O any, P callback.Provider, S callback.Signer](
	build func(O) (P, error), sign func(O, string) (S, error), throwaway func() (O, string, error),
) Adapter {
	var zero O
	return Adapter{
		Zero: zero,
		New: func(s config.Source) (callback.Provider, error) {
			var o O
			if err := s.Decode(&o); err != nil {
				return nil, err
			}
			return build(o)
		},
		NewSigner: func(s config.Source, key string) (callback.Signer, error) {
			var o O
			if err := s.Decode(&o); err != nil {
				return nil, err
			}
			return sign(o, key)
		},
		Throwaway: func() (any, string, error) { return throwaway() },
	}
}

// privately marks the adapter of a provider that signs with a private key.
func privately(a Adapter) Adapter {
	a.PrivateKey = true
	return a
}

// Schema is what config.Load needs to know of the providers.
func Schema() map[string]any {
	schema := make(map[string]any, len(Providers))
	for name, a := range Providers {
		schema[name] = a.Zero
	}
	return schema
}

// ProviderNames returns the names of all providers in order.
func ProviderNames() []string { return slices.Sorted(maps.Keys(Providers)) }
