package modules

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
)

// core is the wheel and the relay over the engine. The engine is opened before the app is built and ends after it: to
// join a cluster may take longer than any start, and must end with a signal.
func core(e relay.Engine) fx.Option {
	return fx.Module("core", fx.Supply(fx.Annotate(e, fx.As(new(relay.Engine)))), fx.Provide(newWheel, newRelay))
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
