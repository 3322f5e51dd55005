package modules

import (
	"context"
	"log/slog"
	"strings"

	"go.uber.org/fx"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
)

// core is the engine, the wheel and the relay.
func core() fx.Option {
	return fx.Module("core", fx.Provide(newEngine, newWheel, newRelay))
}

func newEngine(lc fx.Lifecycle, c *config.Config) (relay.Engine, error) {
	kind, _, _ := strings.Cut(c.Engine, ":")
	engine, err := engines[kind](c)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(engine.Close))
	return engine, nil
}

func newWheel(lc fx.Lifecycle) *wheel.Wheel {
	w := wheel.New()
	lc.Append(fx.StopHook(w.Stop))
	return w
}

func newRelay(lc fx.Lifecycle, engine relay.Engine, w *wheel.Wheel, c *config.Config, log *slog.Logger) *relay.Relay {
	r := relay.New(engine, w, relay.Options{
		MaxWaiters:    maxWaiters(c.Limits.Waiters),
		MaxPerAddress: c.Limits.WaitersPerAddress,
		MaxPerPayment: c.Limits.WaitersPerPayment,
		Log:           log,
	})
	lc.Append(fx.StartStopHook(func(ctx context.Context) error { return r.Start(ctx) }, r.Stop))
	return r
}
