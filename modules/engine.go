package modules

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/embedded"
)

// engineMargin is what the engine gets to end, after everything that uses it has ended. A node of a cluster hands over
// what it leads.
const engineMargin = 15 * time.Second

// engine is the log, and what else has to end with it.
type engine struct {
	relay.Engine
	// node ends behind the engine. It may be nil.
	node *embedded.Server
}

// openEngine opens the configured engine. For a cluster it waits as long as ctx lets it. The error is one line.
func openEngine(ctx context.Context, c *config.Config, log *slog.Logger) (engine, error) {
	e, err := engines[c.EngineKind()](ctx, c, log)
	if err != nil {
		return engine{}, engineError(c, err)
	}
	return e, nil
}

// close ends the engine, and then its node.
func (e engine) close() error {
	err := e.Close()
	if e.node != nil {
		ctx, cancel := context.WithTimeout(context.Background(), engineMargin)
		defer cancel()
		err = errors.Join(err, e.node.Stop(ctx))
	}
	return err
}

// CheckEngine reports what is wrong with the engine, as far as it can be told without opening it.
func CheckEngine(c *config.Config) error {
	var err error
	switch c.EngineKind() {
	case "nats", "tls":
		err = nats.Check(c.Engine)
	case "nats-embedded":
		var o embedded.Options
		if o, err = nodeOptions(c, nil); err == nil {
			err = o.Check()
		}
	}
	if err != nil {
		return engineError(c, err)
	}
	return nil
}

// engineError says where the engine that err is about is written.
func engineError(c *config.Config, err error) error {
	path := "engine"
	if place := c.Place(path); place != "" {
		path = place + ": " + path
	}
	return fmt.Errorf("%s: %w", path, err)
}

// openCluster starts this node, and the engine over it when the cluster has a leader.
func openCluster(ctx context.Context, c *config.Config, log *slog.Logger) (engine, error) {
	o, err := nodeOptions(c, log)
	if err != nil {
		return engine{}, err
	}
	node, err := embedded.Start(ctx, o)
	if err != nil {
		return engine{}, err
	}
	e := engine{node: node}
	if e.Engine, err = openAt(ctx, node, c, log); err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineMargin)
		defer cancel()
		return engine{}, errors.Join(err, node.Stop(end))
	}
	return e, nil
}

// openAt opens the engine over a node. The stream's leader may be elected meanwhile, which takes as long as it takes.
func openAt(ctx context.Context, node *embedded.Server, c *config.Config, log *slog.Logger) (relay.Engine, error) {
	for {
		retention, replicas, err := node.Retain(ctx, nats.DefaultStream, c.Retention)
		if err == nil {
			var e *nats.Engine
			e, err = nats.New(ctx, nats.Options{
				URL:       fmt.Sprintf("nats://%s?replicas=%d", c.Cluster.Name, replicas),
				Retention: retention, Log: log, Conn: []natsgo.Option{natsgo.InProcessServer(node)},
			})
			if err == nil {
				return e, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		}
		log.Warn("waiting for the cluster: the log has no leader yet", "error", err)
	}
}

// nodeOptions returns the settings of this node.
func nodeOptions(c *config.Config, log *slog.Logger) (embedded.Options, error) {
	o := embedded.Options{
		Name: c.Cluster.Name, Listen: c.Cluster.Listen, Peers: c.Cluster.Peers,
		Dir: c.Cluster.Dir, Secret: c.Cluster.Secret, Log: log,
	}
	files := c.Cluster.TLS
	if files.Cert == "" {
		return o, nil
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return o, errors.New("cluster.tls: cert and key must be PEM files that belong together")
	}
	text, err := os.ReadFile(files.CA)
	if err != nil {
		return o, fmt.Errorf("cluster.tls.ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return o, errors.New("cluster.tls.ca: must be a PEM file with certificates")
	}
	o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	return o, nil
}
