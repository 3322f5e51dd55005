package enginetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/enginetest"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

// handle is one node's engine over a log in memory that outlives it.
type handle struct {
	*memory.Engine
	down context.Context
	stop context.CancelFunc
}

func newHandle(log *memory.Engine) *handle {
	h := &handle{Engine: log}
	h.down, h.stop = context.WithCancel(context.Background())
	return h
}

var errDown = errors.New("the node is down")

func (h *handle) Append(ctx context.Context, e relay.Event) (relay.Entry, bool, error) {
	if h.down.Err() != nil {
		return relay.Entry{}, false, errDown
	}
	return h.Engine.Append(ctx, e)
}

func (h *handle) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.down, cancel)()
	return h.Engine.Tail(ctx, after, deliver)
}

// Close leaves the log, which the test's end closes.
func (h *handle) Close() error {
	h.stop()
	return nil
}

// TestSuite runs what is asked of durable and shared engines over a log that is both.
func TestSuite(t *testing.T) {
	another := func(_ testing.TB, e relay.Engine) relay.Engine { return newHandle(e.(*handle).Engine) }
	enginetest.Run(t, enginetest.Harness{
		Open: func(t testing.TB, retention time.Duration) relay.Engine {
			log := memory.New(memory.Options{Retention: retention})
			t.Cleanup(func() { _ = log.Close() })
			return newHandle(log)
		},
		Reopen: func(t testing.TB, e relay.Engine) relay.Engine {
			_ = e.Close()
			return another(t, e)
		},
		Peer: another,
	})
}
