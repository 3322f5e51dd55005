//go:build unix

package nats_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/natstest"
)

// appendAll appends n events of as many payments, inFlight at a time.
func appendAll(b *testing.B, e relay.Engine, n, inFlight int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				ev := relay.Event{
					ID: fmt.Sprintf("wechat-main:EV-%018d", i), Source: "wechat-main", Payment: scattered(i), Status: relay.Paid,
					Final: true, Amount: "129.00", Currency: "CNY", Provider: "wechatpay-v3", TransactionID: "4200001", ProviderStatus: "SUCCESS",
				}
				if _, _, err := e.Append(context.Background(), ev); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// scattered is a payment id that shares little with those of its neighbours: servers keep common beginnings once.
func scattered(i int64) string { return fmt.Sprintf("order-%016x", uint64(i)*0x9E3779B97F4A7C15) }

// BenchmarkNodes measures the processor time of one callback in a cluster of three servers: what the node that takes it
// spends, together with what all nodes spend on being told, at 1, 3 and 5 nodes. The step from one number of nodes to
// the next is what a node pays for an entry that nobody waits for on it.
func BenchmarkNodes(b *testing.B) {
	for _, nodes := range []int{1, 3, 5} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			p := natstest.StartProcesses(b, 3)
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			var told atomic.Int64
			var engines []relay.Engine
			for i := range nodes {
				e := openSoon(b, fmt.Sprintf("nats://%s?replicas=3", p.Host(i%3)))
				defer e.Close()
				engines = append(engines, e)
				wg.Go(func() { _ = e.Tail(ctx, relay.Position{}, func(relay.Entry) { told.Add(1) }) })
			}
			servers, own := p.CPU(), ownCPU()
			b.ResetTimer()
			appendAll(b, engines[0], b.N, 64)
			for told.Load() < int64(b.N*nodes) {
				<-time.After(time.Millisecond)
			}
			b.StopTimer()
			b.ReportMetric(float64(ownCPU()-own)/float64(b.N)/1e3, "nodes-µs/op")
			b.ReportMetric(float64(p.CPU()-servers)/float64(b.N)/1e3, "servers-µs/op")
			cancel()
			wg.Wait()
		})
	}
}

// openSoon opens an engine over servers that may have no leader yet.
func openSoon(b *testing.B, url string) relay.Engine {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		e, err := nats.New(b.Context(), nats.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			return e
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSubjects measures the memory that payments of one entry each cost in a server: after they were appended, and
// after a restart.
func BenchmarkSubjects(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprintf("payments=%d", n), func(b *testing.B) {
			for b.Loop() {
				c := natstest.Start(b, 1)
				url := "nats://" + c.Hosts(0)
				e := openSoon(b, url)
				before := heap()
				appendAll(b, e, n, 256)
				e.Close()
				full := heap()
				c.Stop(0)
				c.Start(0)
				again := heap()
				e = openSoon(b, url)
				if got, err := e.Read(b.Context(), scattered(int64(n))); err != nil || len(got) != 1 {
					b.Fatalf("%d entries after the restart, error %v", len(got), err)
				}
				e.Close()
				b.ReportMetric((full-before)/float64(n), "B/payment")
				b.ReportMetric(float64(c.Stored())/float64(n), "disk-B/payment")
				b.ReportMetric((again-before)/float64(n), "B/payment-restarted")
			}
		})
	}
}

// heap is what is allocated and reachable.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
