package enginetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

// Benchmark measures what a callback and a waiter cost in the engine.
func Benchmark(b *testing.B, h Harness) {
	b.Run("append", func(b *testing.B) {
		e := h.open(b)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			put(b, e, event(fmt.Sprint("order-", i), "e"))
			i++
		}
	})
	b.Run("append parallel", func(b *testing.B) { // group commit shows here
		e := h.open(b)
		var n atomic.Int64
		b.SetParallelism(32)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, _, err := e.Append(context.Background(), event(fmt.Sprint("order-", n.Add(1)), "e")); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("append duplicate", func(b *testing.B) {
		e := h.open(b)
		put(b, e, event("order-1", "e"))
		for b.Loop() {
			if _, stored, err := e.Append(context.Background(), event("order-1", "e")); stored || err != nil {
				b.Fatalf("stored %v, error %v", stored, err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		e := h.open(b)
		const payments = 1000
		for i := range 3 * payments {
			put(b, e, event(fmt.Sprint("order-", i%payments), fmt.Sprint(i)))
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if got := read(b, e, fmt.Sprint("order-", i%payments)); len(got) != 3 {
				b.Fatalf("%d entries", len(got))
			}
			i++
		}
	})
	b.Run("tail latency", func(b *testing.B) { // from the call of Append to the tail's delivery
		e := h.open(b)
		delivered := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		after := head(b, e)
		go func() {
			defer close(ended)
			_ = e.Tail(ctx, after, func(relay.Entry) { delivered <- struct{}{} })
		}()
		i := 0
		for b.Loop() {
			put(b, e, event("order-1", fmt.Sprint(i)))
			<-delivered
			i++
		}
		cancel()
		<-ended
	})
}
