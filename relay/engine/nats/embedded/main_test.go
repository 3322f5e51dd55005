package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay/engine/nats/embedded"
)

// TestMain runs the tests, or the node of a test that kills it.
func TestMain(m *testing.M) {
	if name := os.Getenv("EMBEDDED_NODE"); name != "" {
		os.Exit(node(name))
	}
	goleak.VerifyTestMain(m,
		// It waits for a port of clients that is never opened: see run.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).StartRouting"),
	)
}

// node runs a node until it is told to end.
func node(name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := embedded.Start(ctx, embedded.Options{
		Name: name, Listen: os.Getenv("EMBEDDED_LISTEN"), Peers: strings.Split(os.Getenv("EMBEDDED_PEERS"), ","),
		Dir: os.Getenv("EMBEDDED_DIR"), Secret: secret, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("in")
	<-ctx.Done()
	if err := s.Stop(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}
