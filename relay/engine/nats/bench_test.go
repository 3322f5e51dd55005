package nats_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tillbell/tillbell/relay/engine/enginetest"
)

// BenchmarkEngine is the suite's, over one server and over a cluster of three, which sync to disk every two minutes or
// on each write.
func BenchmarkEngine(b *testing.B) {
	always := func(o *server.Options) { o.SyncAlways = true }
	b.Run("servers=1", func(b *testing.B) { enginetest.Benchmark(b, harness(b, 1)) })
	b.Run("servers=1,sync=always", func(b *testing.B) { enginetest.Benchmark(b, harness(b, 1, always)) })
	b.Run("servers=3", func(b *testing.B) { enginetest.Benchmark(b, harness(b, 3)) })
	b.Run("servers=3,sync=always", func(b *testing.B) { enginetest.Benchmark(b, harness(b, 3, always)) })
}
