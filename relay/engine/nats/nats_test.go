package nats_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/enginetest"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// logs counts the streams of a test's servers, each of which is a log of its own.
var logs atomic.Int64

// harness is one cluster whose streams are the suite's logs.
func harness(t testing.TB, servers int, set ...func(*server.Options)) enginetest.Harness {
	c := natstest.Start(t, servers, set...)
	reopened := 0
	options := make(map[relay.Engine]nats.Options)
	open := func(t testing.TB, first int, o nats.Options) relay.Engine {
		o.URL = fmt.Sprintf("nats://%s%s", c.Hosts(first), o.URL)
		e, err := nats.New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	return enginetest.Harness{
		Open: func(t testing.TB, retention time.Duration) relay.Engine {
			o := nats.Options{URL: fmt.Sprintf("?replicas=%d&stream=log-%d", servers, logs.Add(1)), Retention: retention}
			e := open(t, 0, o)
			options[e] = o
			return e
		},
		Reopen: func(t testing.TB, e relay.Engine) relay.Engine {
			o := options[e]
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if reopened++; servers == 1 || reopened == 1 {
				c.StopAll()
				c.StartAll()
			} else { // the election after a stop of all takes seconds: one at a time, then
				c.Stop(reopened % servers)
				c.Start(reopened % servers)
				c.Ready()
			}
			again := open(t, 0, o)
			options[again] = o
			return again
		},
		Peer: func(t testing.TB, e relay.Engine) relay.Engine { return open(t, 1, options[e]) },
	}
}

// Most tests wait for servers most of the time, and run in parallel.

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, harness(t, 1))
}

func TestEngineCluster(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, harness(t, 3))
}
