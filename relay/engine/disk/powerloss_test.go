package disk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

// twoLives runs an engine over two lives, with logs that are begun anew and tables that are merged, and returns what it did
// to its files.
func twoLives(t *testing.T) []op {
	r := &recorder{FS: vfs.NewMem()}
	n := 0
	for range 2 {
		e := openOver(t, r, quiet)
		for i := range 60 {
			var wg sync.WaitGroup
			for range 1 + i%4 {
				n++
				ev := event(fmt.Sprint("order-", i%5), fmt.Sprint("e-", n))
				wg.Go(func() {
					en, _, err := e.Append(context.Background(), ev)
					if err != nil {
						t.Error(err)
					}
					r.acked(en)
				})
			}
			wg.Wait()
			if i%20 == 19 {
				if err := e.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		shut(t, e)
	}
	return r.ops
}

// TestPowerLoss cuts the power at each step of what an engine does to its files: at some of them, at every one and with
// every fate of what was not synced if TILLBELL_TEST_EXHAUSTIVE=1. What was acknowledged is there, what is there was
// posted, the log has no hole, it goes on, and nobody is alarmed.
func TestPowerLoss(t *testing.T) {
	ops := twoLives(t)
	every := 13
	if os.Getenv("TILLBELL_TEST_EXHAUSTIVE") == "1" {
		every = 1
	}
	offset := rand.IntN(every)
	d := &disk{files: make(map[int]*content), names: make(map[string]int), durable: make(map[string]int)}
	acked := make(map[uint64]relay.Entry)
	cuts := 0
	for i, o := range ops {
		if o.do(d); o.ack != nil {
			acked[o.ack.Position.Seq] = *o.ack
		}
		if i%every != offset {
			continue
		}
		for fate, do := range fates {
			for lost, names := range map[string]map[string]int{"names are kept": d.names, "names are lost": d.durable} {
				cuts++
				restarts(t, fmt.Sprintf("step %d, %s, writes are %s, %s", i, o.what, fate, lost), d.after(t, names, do), acked)
			}
		}
	}
	t.Logf("%d steps, %d acknowledged, the power was cut %d times", len(ops), len(acked), cuts)
}

// posted reports whether the entry is one that twoLives appends.
func posted(en relay.Entry) bool { return len(en.Event.ID) > 2 && en.Event.ID[:2] == "e-" }

// restarts opens what a power loss left.
func restarts(t *testing.T, when string, fs vfs.FS, acked map[uint64]relay.Entry) {
	t.Helper()
	var s said
	e, err := New(Options{Path: home, Log: s.log(), fs: fs})
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	defer func() { shut(t, e) }()
	log := wholeLog(t, e)
	there := 0
	for i, en := range log {
		if en.Position.Seq != uint64(i+1) || !posted(en) {
			t.Errorf("%s: entry %d is %+v", when, i, en)
			return
		}
		if want, ok := acked[en.Position.Seq]; ok {
			if there++; want != en {
				t.Errorf("%s: entry %+v, acknowledged was %+v", when, en, want)
			}
		}
	}
	if there < len(acked) {
		t.Errorf("%s: %d entries of %d that were acknowledged are lost\n%s", when, len(acked)-there, len(acked), s.String())
	}
	if s.Len() > 0 {
		t.Errorf("%s: it was said:\n%s", when, s.String())
	}
	if en := put(t, e, "order-1", "next"); en.Position.Seq != uint64(len(log)+1) {
		t.Errorf("%s: the log goes on at %v behind %d entries", when, en.Position, len(log))
	}
}
