package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Retain sets how long the stream keeps its entries, if there is such a stream. Elsewhere NATS's own tools do that; here
// they have no port to come in by. Where nodes differ, the one that was started last decides.
func (s *Server) Retain(ctx context.Context, stream string, retention time.Duration) error {
	if err := s.retain(ctx, stream, retention); err != nil {
		return fmt.Errorf("embedded: retain: %w", err)
	}
	return nil
}

func (s *Server) retain(ctx context.Context, stream string, retention time.Duration) error {
	conn, err := nats.Connect("", nats.InProcessServer(s.nats), nats.NoReconnect())
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	has, err := js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	config := has.CachedInfo().Config
	if config.MaxAge == retention {
		return nil
	}
	s.log.Warn("cluster: the retention changes", "from", config.MaxAge, "to", retention)
	config.MaxAge = retention
	config.Duplicates = min(config.Duplicates, retention) // it may not be longer
	_, err = js.UpdateStream(ctx, config)
	return err
}
