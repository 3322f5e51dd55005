package relay_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
)

// silent is a waiter that costs nothing itself.
type silent struct{ ended chan<- struct{} }

func (silent) State(*relay.State)  {}
func (silent) Deliver(*relay.Told) {}
func (s silent) End(error) {
	if s.ended != nil {
		s.ended <- struct{}{}
	}
}

// BenchmarkPublish measures a callback with one waiter, from the call until the waiter has its end.
func BenchmarkPublish(b *testing.B) {
	r := newRelay(b, relay.Options{})
	ended := make(chan struct{}, 1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		e := paid("a", 1, "1")
		e.Payment = fmt.Sprint("order-", i)
		subscribe(b, r, e.Payment, relay.Position{}, silent{ended})
		publish(b, r, e)
		<-ended
		i++
	}
}

// BenchmarkSubscribe measures a waiter that comes and goes, with nothing known of its payment.
func BenchmarkSubscribe(b *testing.B) {
	r := newRelay(b, relay.Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			subscribe(b, r, fmt.Sprint("order-", i%1000), relay.Position{}, silent{}).Close(relay.ErrGone)
		}
	})
}

// BenchmarkFanOut measures one event for many waiters of one payment.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			engine := memory.New(memory.Options{})
			r, stop := start(b, engine, relay.Options{})
			defer stop()
			delivered := make(chan struct{}, 1)
			for range n - 1 {
				subscribe(b, r, payment, relay.Position{}, silent{})
			}
			subscribe(b, r, payment, relay.Position{}, last{delivered: delivered})
			i := 0
			for b.Loop() {
				e := pending(fmt.Sprint(i), i)
				if _, _, err := engine.Append(context.Background(), e); err != nil { // Publish folds a log that grows with b.N
					b.Fatal(err)
				}
				<-delivered
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/waiter")
		})
	}
}

// last is the waiter that is told last.
type last struct {
	silent
	delivered chan<- struct{}
}

func (l last) Deliver(*relay.Told) { l.delivered <- struct{}{} }

// BenchmarkIdle measures the memory of waiters, each of its own payment.
func BenchmarkIdle(b *testing.B) {
	r := newRelay(b, relay.Options{})
	payments := make([]string, 100_000)
	for i := range payments {
		payments[i] = fmt.Sprint("order-", i)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	subs := make([]*relay.Subscription, len(payments))
	before, began := heap(), time.Now()
	for i, p := range payments {
		subs[i] = subscribe(b, r, p, relay.Position{}, silent{})
	}
	took := time.Since(began)
	b.ReportMetric(float64(heap()-before)/float64(len(payments)), "B/waiter")
	b.ReportMetric(float64(took.Nanoseconds())/float64(len(payments)), "ns/waiter")
	b.ReportMetric(0, "ns/op")
	for _, sub := range subs {
		sub.Close(relay.ErrGone)
	}
}

// BenchmarkPublishAgain measures one more event of a payment whose log is as long as that, without a waiter.
func BenchmarkPublishAgain(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newRelay(b, relay.Options{})
			b.ReportAllocs()
			for done := 0; done < b.N; done += n { // of one payment after the other, each from nothing to twice as long
				b.StopTimer()
				e := pending("", 1)
				e.Payment = fmt.Sprint("order-", done)
				ids := make([]string, 2*n)
				for i := range ids {
					ids[i] = fmt.Sprint("evt-", i)
				}
				for _, e.ID = range ids[:n] {
					publish(b, r, e)
				}
				b.StartTimer()
				for _, e.ID = range ids[n:min(2*n, n+b.N-done)] {
					publish(b, r, e)
				}
			}
		})
	}
}
