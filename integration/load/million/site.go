//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/ticket"
	"github.com/tillbell/tillbell/transport/ws"
)

// source is the name of the one that callbacks come from.
const source = "erp"

// A site is what `tillbell serve` runs with the memory engine and one source.
type site struct {
	engine *engine
	wheel  *wheel.Wheel
	relay  *relay.Relay
	server *transport.Server
	door   *door
	key    []byte // callbacks are signed with
	secret []byte // of tickets
}

// engine can be taken away from a relay that was stopped, to see what else that holds.
type engine struct{ *memory.Engine }

// newSite returns a site that serves. Stop ends it.
func newSite(ctx context.Context, heartbeat time.Duration) (*site, error) {
	s := &site{key: make([]byte, 32), secret: []byte(rand.Text() + rand.Text())}
	rand.Read(s.key) // never fails
	tickets, err := ticket.New(ticket.Options{Secret: string(s.secret)})
	if err != nil {
		return nil, err
	}
	provider, err := standard.New(standard.Options{
		Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(s.key)},
	})
	if err != nil {
		return nil, err
	}
	if s.door, err = newDoor(ctx); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s.engine, s.wheel = &engine{memory.New(memory.Options{})}, wheel.New()
	s.relay = relay.New(s.engine, s.wheel, relay.Options{Log: log})
	if err := s.relay.Start(ctx); err != nil {
		return nil, err
	}
	m := metrics.New()
	m.Waiters(s.relay.Waiters)
	route := callback.NewRoute(callback.RouteOptions{Relay: s.relay, Metrics: m, Log: log, MaxBody: 1 << 20},
		map[string]callback.Source{source: {Name: source, ProviderName: "standard-webhooks", Provider: provider}})
	s.server = transport.New(transport.Options{
		Listener: s.door, Relay: s.relay, Access: transport.NewAccess(nil, tickets, nil, ""),
		Transports: []transport.Transport{
			sse.New(s.wheel, sse.Options{Heartbeat: heartbeat}),
			ws.New(s.wheel, ws.Options{Heartbeat: heartbeat}),
		},
		KnowsSource: route.Knows, SourceNames: route.Names, Callbacks: route,
		Metrics: m, Log: log,
	})
	return s, s.server.Start(ctx)
}

// stop ends the site, from which every client must have gone.
func (s *site) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := s.server.Stop(ctx)
	err = errors.Join(err, s.relay.Stop(ctx))
	s.wheel.Stop()
	if err = errors.Join(err, s.engine.Close()); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
