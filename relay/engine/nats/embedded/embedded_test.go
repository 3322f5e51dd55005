package embedded_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/enginetest"
)

// logs counts the streams, each of which is a log of the suite's.
var logs atomic.Int64

// harness opens engines at the first node and peers at the second. It reopens with all nodes down and up again, and with
// the engine's own node alone, in turn.
func harness(c *cluster) enginetest.Harness {
	type log struct {
		stream    string
		retention time.Duration
	}
	open, reopened := make(map[relay.Engine]log), 0
	at := func(node int, l log) relay.Engine {
		e := c.engine(node, l.stream, l.retention)
		open[e] = l
		return e
	}
	h := enginetest.Harness{
		Open: func(_ testing.TB, retention time.Duration) relay.Engine {
			return at(0, log{fmt.Sprint("log-", logs.Add(1)), retention})
		},
		Reopen: func(t testing.TB, e relay.Engine) relay.Engine {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			if reopened++; reopened%2 == 1 {
				c.stop()
				c.start()
			} else {
				c.stopNode(0)
				c.start(0)
			}
			return at(0, open[e])
		},
		Peer:  func(_ testing.TB, e relay.Engine) relay.Engine { return at(1, open[e]) },
		Local: len(c.nodes) == 1,
	}
	if h.Local {
		h.Peer = nil
	}
	return h
}

func TestEngine(t *testing.T) {
	t.Parallel()
	c := newCluster(t, options(t, 3))
	c.start()
	enginetest.Run(t, harness(c))
}

func TestEngineAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t, options(t, 1))
	c.start()
	enginetest.Run(t, harness(c))
}

func BenchmarkEngine(b *testing.B) {
	c := newCluster(b, options(b, 3))
	c.start()
	enginetest.Benchmark(b, harness(c))
}
