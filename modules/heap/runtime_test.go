package heap

import (
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

func value(name string) metrics.Value {
	m := []metrics.Sample{{Name: name}}
	metrics.Read(m)
	return m[0].Value
}

func gogc() uint64 { return value("/gc/gogc:percent").Uint64() }

// collect collects until the note of a collection is there, or for so many times in vain.
func collect(k *Keeper, times int) (noted bool) {
	for range times {
		runtime.GC()
		select {
		case <-k.cycles:
			return true
		default:
			runtime.Gosched() // cleanups have goroutines of their own
		}
	}
	return false
}

// TestWatch: each of the runtime's collections is noted, until the Keeper is stopped.
func TestWatch(t *testing.T) {
	k := &Keeper{cycles: make(chan struct{}, 1), stop: make(chan struct{})}
	k.watch()
	for range 5 {
		if !collect(k, 1000) {
			t.Fatal("a collection was not noted")
		}
	}
	close(k.stop)
	collect(k, 10)
	if collect(k, 10) {
		t.Error("a collection was noted after the end")
	}
}

// TestKeep: the runtime's GOGC is set, and set back.
func TestKeep(t *testing.T) {
	t.Setenv("GOGC", "") // which the runtime has read already
	defer debug.SetGCPercent(debug.SetGCPercent(123))
	k := Keep()
	for deadline := time.Now().Add(10 * time.Second); gogc() == 123 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if got := gogc(); got != maxPercent {
		t.Errorf("GOGC = %d, want %d", got, maxPercent)
	}
	k.Stop()
	if got := gogc(); got != 123 {
		t.Errorf("GOGC = %d after Stop, want 123", got)
	}
}

// TestUserDecides: who sets GOGC has it.
func TestUserDecides(t *testing.T) {
	t.Setenv("GOGC", "77")
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	k := Keep()
	runtime.GC()
	if got := gogc(); got != 77 {
		t.Errorf("GOGC = %d, want 77", got)
	}
	k.Stop()
}

// TestSample: what is sampled is what the package thinks it is.
func TestSample(t *testing.T) {
	before := read()
	block := make([]byte, 64*mib)
	runtime.GC()
	s := read()
	if s.live < 64*mib || s.objects < s.live/2 || s.allocated-before.allocated < 64*mib {
		t.Errorf("%+v with 64 MiB that live, %+v before", s, before)
	}
	runtime.KeepAlive(block) // and no longer
	runtime.GC()
	if s := read(); s.live > 64*mib || s.spare() < 64*mib {
		t.Errorf("%+v with 64 MiB that are free", s)
	}
	debug.FreeOSMemory()
	if s := read(); s.spare() > 32*mib {
		t.Errorf("%+v after giving back", s)
	}
}

// resident returns the process's resident memory in MiB, or 0 where there is no /proc.
func resident() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			return kib / 1024
		}
	}
	return 0
}

// BenchmarkBurst lets 10 000 waits of 640 bytes connect, with 14 KiB of garbage each. It reports the resident memory
// before, at the end of the burst and when it counts as over, in MiB.
func BenchmarkBurst(b *testing.B) {
	b.Setenv("GOGC", "")
	defer Keep().Stop()
	for b.Loop() {
		debug.FreeOSMemory()
		before := resident()
		waits := make([]*[640]byte, 10_000)
		for i := range waits {
			waits[i] = new([640]byte)
			for range 4 {
				sink = make([]byte, 3000+rand.IntN(1000))
			}
		}
		b.ReportMetric(before, "MiB-before")
		b.ReportMetric(resident(), "MiB-burst")
		<-time.After(2*window + time.Second)
		b.ReportMetric(resident(), "MiB-after")
		runtime.KeepAlive(waits)
	}
}

var sink []byte

// BenchmarkGarbage allocates as callbacks do, as fast as it can, beside 64 MiB of small objects that live. It reports
// the collector's CPU in percent of all.
func BenchmarkGarbage(b *testing.B) {
	for _, c := range []struct {
		name string
		run  func() (stop func())
	}{
		{"Keeper", func() func() { return Keep().Stop }},
		{"GOGC=100", func() func() {
			before := debug.SetGCPercent(100)
			return func() { debug.SetGCPercent(before) }
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.Setenv("GOGC", "")
			defer c.run()()
			type wait struct {
				next *wait
				_    [15]*wait
			}
			var live *wait
			for range 64 * mib / 128 {
				live = &wait{next: live}
			}
			runtime.GC()
			busy, all := value("/cpu/classes/gc/total:cpu-seconds").Float64(), value("/cpu/classes/total:cpu-seconds").Float64()
			b.SetBytes(6 << 10)
			for b.Loop() {
				sink = make([]byte, 6<<10)
			}
			runtime.GC()
			busy, all = value("/cpu/classes/gc/total:cpu-seconds").Float64()-busy, value("/cpu/classes/total:cpu-seconds").Float64()-all
			b.ReportMetric(100*busy/all, "%gc")
			runtime.KeepAlive(live)
		})
	}
}
