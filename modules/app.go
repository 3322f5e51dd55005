package modules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/modules/heap"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
)

// margin is what the parts get on top of delay and drain to stop: closing files, the last writes.
const margin = 5 * time.Second

// Program is one run of the server.
type Program struct {
	Config *config.Config
	// Load reads the configuration again on SIGHUP. Nil ignores SIGHUP.
	Load func() (*config.Config, error)
	// Log is where the log is written. Nil is standard error.
	Log io.Writer
	// Extend adds to the app, such as the demo's routes. It may be nil.
	Extend fx.Option
	// Started is called when both listeners accept. It may be nil.
	Started func(public *transport.Server) error
}

// Run runs until ctx is done or SIGTERM or SIGINT arrives, drains, and returns. An error of the start is one line that
// says what to change.
func (p Program) Run(ctx context.Context) error {
	// SIGHUP kills by default: its handler must be there before anything else takes time. Where there is nothing to read
	// again, it may: the terminal that dev runs in is gone.
	hup := make(chan os.Signal, 1)
	if p.Load != nil {
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	memory := heap.Keep()
	defer memory.Stop()
	log := newLog(p.Config, p.Log)
	for _, w := range p.Config.Warnings() {
		log.Warn("configuration", "warning", w)
	}
	if _, err := Sources(p.Config); err != nil { // it must not take a cluster to say so
		return err
	}
	l, err := openLobby(ctx, p.Config, log)
	if err != nil {
		return err
	}
	e, err := openEngine(ctx, p.Config, log)
	l.close()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		log.Info("stopping")
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(p.serve(ctx, e.Engine, hup, log), e.close())
}

// serve runs everything over the engine, until ctx is done.
func (p Program) serve(ctx context.Context, e relay.Engine, hup <-chan os.Signal, log *slog.Logger) error {
	r := &reloader{started: p.Config, current: p.Config, load: p.Load, log: log}
	extend := p.Extend
	if extend == nil {
		extend = fx.Options()
	}
	app := fx.New(
		fx.Supply(p.Config, log),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: log}
			l.UseLogLevel(slog.LevelDebug)
			l.UseErrorLevel(slog.LevelDebug) // the error is returned
			return l
		}),
		core(e), listen(), extend,
		fx.StartTimeout(15*time.Second),
		fx.StopTimeout(p.Config.Shutdown.Delay+p.Config.Shutdown.Drain+margin),
		// Hooks stop in reverse: metrics can be read while the public listener drains.
		fx.Invoke(func(admin *transport.Admin, server *transport.Server, route *callback.Route) {
			r.server, r.admin, r.route = server, admin, route
		}),
	)
	if err := app.Err(); err != nil {
		return dig.RootCause(err)
	}
	// A signal during the start ends the program as any other does: by a stop that drains.
	start, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StartTimeout())
	defer cancel()
	if err := app.Start(start); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	var err error
	if p.Started != nil {
		err = p.Started(r.server)
	}
	if err == nil {
		p.wait(ctx, hup, r)
	}
	end, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	log.Info("stopping")
	return errors.Join(err, app.Stop(end))
}

func (p Program) wait(ctx context.Context, hup <-chan os.Signal, r *reloader) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.server.Done(): // it cannot accept any more, and Stop says why
			return
		case <-hup:
			r.reload()
		}
	}
}

func newLog(c *config.Config, w io.Writer) *slog.Logger {
	if w == nil {
		w = os.Stderr
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Log.Level)) // Validate has checked it
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
