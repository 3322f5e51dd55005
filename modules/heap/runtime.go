package heap

import (
	"runtime"
	"runtime/metrics"
)

// read samples the runtime, which takes some microseconds and stops nothing.
func read() sample {
	m := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(m)
	return sample{m[0].Value.Uint64(), m[1].Value.Uint64(), m[2].Value.Uint64(), m[3].Value.Uint64()}
}

// token is garbage from the beginning, so that its cleanup says when a collection ended. It holds a pointer because
// the runtime allocates small objects without one several at a time, and frees them together.
type token struct{ _ *Keeper }

// watch leaves a note in cycles after each collection, until the Keeper is stopped.
func (k *Keeper) watch() {
	runtime.AddCleanup(new(token), func(k *Keeper) {
		select {
		case <-k.stop:
			return
		default:
		}
		select {
		case k.cycles <- struct{}{}:
		default: // the last note was not read
		}
		k.watch()
	}, k)
}
