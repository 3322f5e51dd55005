package memory_test

import (
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/enginetest"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

var harness = enginetest.Harness{
	Open: func(_ testing.TB, retention time.Duration) relay.Engine {
		return memory.New(memory.Options{Retention: retention})
	},
	Volatile: true,
	Local:    true,
	Synctest: true,
}

func TestEngine(t *testing.T)      { enginetest.Run(t, harness) }
func BenchmarkEngine(b *testing.B) { enginetest.Benchmark(b, harness) }
