package modules

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay/engine/disk"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/adyen"
	"github.com/tillbell/tillbell/transport/callback/alipay"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/callback/fetch"
	"github.com/tillbell/tillbell/transport/callback/hmac"
	"github.com/tillbell/tillbell/transport/callback/mercadopago"
	"github.com/tillbell/tillbell/transport/callback/mollie"
	"github.com/tillbell/tillbell/transport/callback/paypal"
	"github.com/tillbell/tillbell/transport/callback/scheme"
	"github.com/tillbell/tillbell/transport/callback/schemes"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/callback/wechatpay"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/ws"
)

// Adapters are all providers, in the order in which people are shown them. A name stands there once.
var Adapters = []Adapter{
	adapter(wechatpay.About, wechatpay.New, wechatpay.NewSigner, wechatpay.Throwaway),
	adapter(wechatpayv2.About, wechatpayv2.New, wechatpayv2.NewSigner, wechatpayv2.Throwaway),
	adapter(alipay.About, alipay.New, alipay.NewSigner, alipay.Throwaway),
	adapter(stripe.About, stripe.New, stripe.NewSigner, stripe.Throwaway),
	adapter(paypal.About, paypal.New, paypal.NewSigner, paypal.Throwaway),
	adapter(adyen.About, adyen.New, adyen.NewSigner, adyen.Throwaway),
	adapter(mollie.About, mollie.New, mollie.NewSigner, mollie.Throwaway),
	adapter(mercadopago.About, mercadopago.New, mercadopago.NewSigner, mercadopago.Throwaway),
	declared(&schemes.Square),
	declared(&schemes.Paddle),
	declared(&schemes.Razorpay),
	declared(&schemes.Paystack),
	declared(&schemes.Shopify),
	declared(&schemes.CheckoutCom),
	declared(&schemes.LemonSqueezy),
	declared(&schemes.Xendit),
	declared(&schemes.CoinbaseCommerce),
	adapter(standard.About, standard.New, standard.NewSigner, standard.Throwaway),
	adapter(hmac.About, hmac.New, hmac.NewSigner, hmac.Throwaway),
	declared(&schemes.GitHub),
}

// Providers are the adapters by the name that a source's `provider` has.
var Providers = byName(Adapters)

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
	About callback.About
	// Zero is the Options struct's zero value.
	Zero any
	// New and NewSigner take a source of the provider.
	New       func(config.Source) (callback.Provider, error)
	NewSigner func(s config.Source, key string) (callback.Signer, error)
	// Account has both, and what it takes to make the faults of fault.Names.
	Account func(s config.Source, key string) (fault.Account, error)
	// Throwaway returns Options with fresh keys, and the provider's private key where it has one.
	Throwaway func() (options any, key string, err error)
	// Simulate returns Options whose callbacks are asked back at base, and the stand-in of the provider's API that is to be
	// mounted there; the handler is nil, and the Options are the same, where nothing is asked back.
	Simulate func(options any, base string) (any, http.Handler)
}

func adapter[O any, P callback.Provider, S callback.Signer](
	about callback.About, build func(O) (P, error), sign func(O, string) (S, error), throwaway func() (O, string, error),
) Adapter {
	var zero O
	return Adapter{
		About: about,
		Zero:  zero,
		New: func(s config.Source) (callback.Provider, error) {
			o, err := decode[O](s)
			if err != nil {
				return nil, err
			}
			return build(o)
		},
		NewSigner: func(s config.Source, key string) (callback.Signer, error) {
			o, err := decode[O](s)
			if err != nil {
				return nil, err
			}
			return sign(o, key)
		},
		Account: func(s config.Source, key string) (fault.Account, error) {
			o, err := decode[O](s)
			if err != nil {
				return fault.Account{}, err
			}
			return fault.Open(o, key, build, sign, throwaway)
		},
		Throwaway: func() (any, string, error) { return throwaway() },
		Simulate: func(options any, base string) (any, http.Handler) {
			o := options.(O)
			s, ok := any(&o).(fetch.Simulated)
			if !ok {
				return o, nil
			}
			h := s.Simulate(base)
			return o, h
		},
	}
}

// declared is the adapter of a provider that is declared.
func declared[O scheme.Options](s *scheme.Scheme[O]) Adapter {
	return adapter(s.About, s.New, s.NewSigner, s.Throwaway)
}

func decode[O any](s config.Source) (o O, err error) {
	err = s.Decode(&o)
	return o, err
}

func byName(list []Adapter) map[string]Adapter {
	all := make(map[string]Adapter, len(list))
	for _, a := range list {
		all[a.About.Name] = a
	}
	return all
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
