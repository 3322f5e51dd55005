package disk

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.etcd.io/bbolt"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/codec"
)

func event(payment, id string) relay.Event {
	return relay.Event{
		ID: id, Source: "wechat-main", Payment: payment, Status: relay.Paid, Final: true, Amount: "129.00", Currency: "CNY",
		Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Provider: "wechatpay-v3", TransactionID: "4200001",
		ProviderStatus: "SUCCESS",
	}
}

// inFlight does n appends, as many at a time as a relay has callbacks, and returns how many were done in a second.
func inFlight(b *testing.B, callbacks, n int, do func(i int) error) float64 {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range callbacks {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

// appender opens an engine and returns what appends to it.
func appender(b *testing.B) func(i int) error {
	e := killed.Open(b, time.Hour)
	b.Cleanup(func() { _ = e.Close() })
	return func(i int) error {
		_, _, err := e.Append(context.Background(), event(fmt.Sprint("order-", i), "wechat-main:EV-2018022511223320873"))
		return err
	}
}

// stores are the stores that the engine could be made of, each as a function that makes one event durable.
var stores = []struct {
	name string
	open func(b *testing.B) func(i int) error
}{
	{"pebble, grouped", appender},
	{"bbolt, grouped", boltGrouped},
	{"bbolt, one by one", boltSingly},
}

func openBolt(b *testing.B) *bbolt.DB {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bolt"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("events"))
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return db
}

func putBolt(tx *bbolt.Tx, i int, ids bool) error {
	ev := event(fmt.Sprint("order-", i), "wechat-main:EV-2018022511223320873")
	events := tx.Bucket([]byte("events"))
	seq, err := events.NextSequence()
	if err != nil {
		return err
	}
	key := append(binary.BigEndian.AppendUint64(nil, seq), ev.ID...)
	if ids {
		if err := events.Put(idKey(ev.Payment, ev.ID), key); err != nil {
			return err
		}
	}
	return events.Put(key, codec.Append(nil, ev, false))
}

// boltSingly is how Mercure's Bolt transport stores an update: under one lock, one transaction and one sync for each,
// the key made of a sequence and the id (bolt.go of github.com/dunglas/mercure).
func boltSingly(b *testing.B) func(int) error {
	db := openBolt(b)
	var mu sync.Mutex
	return func(i int) error {
		mu.Lock()
		defer mu.Unlock()
		return db.Update(func(tx *bbolt.Tx) error { return putBolt(tx, i, false) })
	}
}

// boltGrouped is what the engine would do over bbolt: one goroutine commits whatever came meanwhile.
func boltGrouped(b *testing.B) func(int) error {
	db := openBolt(b)
	type waiting struct {
		i    int
		done chan error
	}
	queue := make(chan waiting, group)
	var committer sync.WaitGroup
	committer.Go(func() {
		for first := range queue {
			bundle := []waiting{first}
			for more := true; more && len(bundle) < group; {
				select {
				case w, ok := <-queue:
					if more = ok; ok {
						bundle = append(bundle, w)
					}
				default:
					more = false
				}
			}
			err := db.Update(func(tx *bbolt.Tx) error {
				for _, w := range bundle {
					if err := putBolt(tx, w.i, true); err != nil {
						return err
					}
				}
				return nil
			})
			for _, w := range bundle {
				w.done <- err
			}
		}
	})
	b.Cleanup(func() { close(queue); committer.Wait() })
	return func(i int) error {
		done := make(chan error, 1)
		queue <- waiting{i, done}
		return <-done
	}
}

// BenchmarkAcknowledged compares stores with 64 callbacks in flight. "x_mercure" is in units of the last one.
func BenchmarkAcknowledged(b *testing.B) {
	for b.Loop() {
		rates := make([]float64, len(stores))
		for s, store := range stores {
			n := 5000
			if s < 2 {
				n = 50_000
			}
			var do func(int) error
			b.Run(store.name, func(b *testing.B) {
				do = store.open(b)
				rates[s] = inFlight(b, 64, n, do)
				b.ReportMetric(rates[s], "events/s")
				b.ReportMetric(0, "ns/op")
			})
		}
		for s, store := range stores[:2] {
			b.Logf("%s: %.0f/s, %.1f times Mercure's way (%.0f/s)", store.name, rates[s], rates[s]/rates[2], rates[2])
		}
	}
}

// syncTimes returns how long n syncs of a few written bytes take, sorted.
func syncTimes(b *testing.B, n int) []time.Duration {
	f := must[*os.File](b)(os.Create(filepath.Join(b.TempDir(), "sync")))
	defer f.Close()
	must[int](b)(f.Write(make([]byte, 1<<20)))
	times := make([]time.Duration, n)
	for i := range times {
		began := time.Now()
		must[int](b)(f.WriteAt(make([]byte, 300), int64(i)*300))
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times
}

// BenchmarkLatency measures single appends in units of one sync, alone and beside 63 others: on this disk, where a sync
// may be so short that the processor decides, and on one whose syncs take 5 ms.
func BenchmarkLatency(b *testing.B) {
	for _, slow := range []time.Duration{0, 5 * time.Millisecond} {
		for _, callbacks := range []int{1, 64} {
			name, n := "this disk", 5000
			if slow > 0 {
				name, n = fmt.Sprint("sync of ", slow), 200*callbacks
			}
			b.Run(fmt.Sprintf("%s, in flight %d", name, callbacks), func(b *testing.B) {
				latency(b, slow, callbacks, n)
			})
		}
	}
}

func latency(b *testing.B, slow time.Duration, callbacks, n int) {
	e := must[*Engine](b)(New(Options{Path: b.TempDir(), Log: quiet, fs: &faulty{FS: vfs.Default, slow: slow}}))
	defer shut(b, e)
	var mu sync.Mutex
	for b.Loop() {
		unit := syncTimes(b, 1000)[500] + slow
		times := make([]time.Duration, 0, n)
		round := e.end.head()
		inFlight(b, callbacks, n, func(i int) error {
			began := time.Now()
			_, _, err := e.Append(context.Background(), event(fmt.Sprint("order-", round, i), "e"))
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			times = append(times, took)
			return err
		})
		slices.Sort(times)
		b.ReportMetric(float64(times[n/2])/float64(unit), "p50-syncs")
		b.ReportMetric(float64(times[n*99/100])/float64(unit), "p99-syncs")
		b.ReportMetric(float64(unit), "ns/sync")
	}
}

// BenchmarkStart opens a log of a million entries that was killed, and says what an entry takes on disk.
func BenchmarkStart(b *testing.B) {
	const n = 1_000_000
	path := b.TempDir()
	e := must[*Engine](b)(New(Options{Path: path, Log: quiet}))
	inFlight(b, group, n, func(i int) error {
		_, _, err := e.Append(context.Background(), event(fmt.Sprint("order-", i), "wechat-main:EV-2018022511223320873"))
		return err
	})
	die(b, e, func(*Engine) {})
	for b.Loop() {
		began := time.Now()
		e := must[*Engine](b)(New(Options{Path: path, Log: quiet}))
		b.ReportMetric(time.Since(began).Seconds(), "s/start")
		if p := must[relay.Position](b)(e.Head(context.Background())); p.Seq != n {
			b.Fatalf("Head = %v", p)
		}
		b.ReportMetric(float64(size(b, path))/n, "B/entry")
		b.StopTimer()
		die(b, e, func(*Engine) {})
		b.StartTimer()
	}
}

// BenchmarkStalls reads and appends while nothing expires, and while as much expires as comes, and reports the longest
// times.
func BenchmarkStalls(b *testing.B) {
	for _, retention := range []time.Duration{time.Hour, 2 * time.Second} {
		b.Run(fmt.Sprint("kept for ", retention), func(b *testing.B) {
			for b.Loop() {
				stalls(b, retention)
			}
		})
	}
}

func stalls(b *testing.B, retention time.Duration) {
	e := must[*Engine](b)(New(Options{Path: b.TempDir(), Retention: retention, Log: quiet}))
	defer shut(b, e)
	var longestRead, longestAppend time.Duration
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			if _, err := e.Read(context.Background(), fmt.Sprint("order-", i%50_000)); err != nil {
				b.Error(err)
			}
			longestRead = max(longestRead, time.Since(began))
		}
	})
	var mu sync.Mutex
	rate := inFlight(b, 16, 100_000, func(i int) error {
		began := time.Now()
		_, _, err := e.Append(context.Background(), event(fmt.Sprint("order-", i%50_000), fmt.Sprint(i)))
		mu.Lock()
		defer mu.Unlock()
		longestAppend = max(longestAppend, time.Since(began))
		return err
	})
	close(stop)
	reader.Wait()
	b.ReportMetric(rate, "appends/s")
	b.ReportMetric(float64(longestRead)/1e6, "ms/longest-read")
	b.ReportMetric(float64(longestAppend)/1e6, "ms/longest-append")
	b.ReportMetric(float64(e.first.Load()-1), "expired")
}
