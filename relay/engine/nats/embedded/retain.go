package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Retain makes the stream keep its entries for the retention at least, at as many nodes as Replicas says at least, if
// there is such a stream, and returns for how long and at how many nodes it keeps them. Elsewhere NATS's own tools do
// that; here they have no port to come in by. The longest retention that a node was started with holds: to shorten it
// deletes what the other nodes have acknowledged, at once.
func (s *Server) Retain(ctx context.Context, stream string, retention time.Duration) (kept time.Duration, replicas int, err error) {
	if kept, replicas, err = s.retain(ctx, stream, retention); err != nil {
		return 0, 0, fmt.Errorf("embedded: retain: %w", err)
	}
	return kept, replicas, nil
}

func (s *Server) retain(ctx context.Context, stream string, retention time.Duration) (time.Duration, int, error) {
	conn, err := nats.Connect("", nats.InProcessServer(s.nats), nats.NoReconnect())
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, 0, err
	}
	has, err := js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return retention, s.Replicas(), nil
	}
	if err != nil {
		return 0, 0, err
	}
	config := has.CachedInfo().Config
	was := config
	if config.MaxAge > retention {
		s.log.Warn("cluster: the retention stays, for it can be raised and not lowered: set it to the same on all nodes",
			"is", config.MaxAge, "configured", retention)
	}
	config.MaxAge, config.Replicas = max(config.MaxAge, retention), max(config.Replicas, s.Replicas())
	if config.MaxAge == was.MaxAge && config.Replicas == was.Replicas {
		return config.MaxAge, config.Replicas, nil
	}
	s.log.Warn("cluster: the log is kept for longer, or by more nodes",
		"retention", config.MaxAge, "before", was.MaxAge, "nodes", config.Replicas, "nodes before", was.Replicas)
	config.Duplicates = min(config.MaxAge, 2*time.Minute) // as the engine wants it
	if _, err = js.UpdateStream(ctx, config); err != nil {
		return 0, 0, err
	}
	return config.MaxAge, config.Replicas, nil
}
