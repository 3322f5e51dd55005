package disk

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

// TestClock resumes a clock after the wall clock said this and that.
func TestClock(t *testing.T) {
	now := time.Now().UnixNano()
	const hour = int64(time.Hour)
	for name, c := range map[string]struct {
		mark         mark
		newest, want int64
	}{
		"a log that begins":             {mark{}, 0, now},
		"an hour later":                 {mark{clock: 5 * hour, wall: now - hour}, 4 * hour, 6 * hour},
		"a wall clock that was behind":  {mark{clock: now + 9*hour, wall: now - hour}, now, now + 10*hour},
		"a wall clock that is set back": {mark{clock: 5 * hour, wall: now + 7*hour}, 4 * hour, 5 * hour},
		"a mark that is older":          {mark{clock: 5 * hour, wall: now - hour}, 8 * hour, 8 * hour},
	} {
		got := resume(c.mark, c.newest).now()
		if d := time.Duration(got - c.want); d < 0 || d > time.Minute {
			t.Errorf("%s: the clock is %v off", name, d)
		}
	}
}

// TestDowntimeCounts restarts an engine after longer and shorter than the retention.
func TestDowntimeCounts(t *testing.T) {
	for down, want := range map[time.Duration]int{30 * time.Minute: 1, 90 * time.Minute: 0, -90 * time.Minute: 1} {
		fs := vfs.NewMem()
		e := must[*Engine](t)(New(Options{Path: home, Retention: time.Hour, Log: quiet, fs: fs}))
		old := put(t, e, "order-1", "e")
		m := must[mark](t)(loadMark(e.db))
		shut(t, e)

		e = must[*Engine](t)(New(Options{Path: home, Retention: 1000 * time.Hour, Log: quiet, fs: fs}))
		m.wall -= int64(down)
		if err := e.db.Set(keyMark, m.bytes(), pebble.Sync); err != nil {
			t.Fatal(err)
		}
		die(t, e, func(*Engine) {})

		e = must[*Engine](t)(New(Options{Path: home, Retention: time.Hour, Log: quiet, fs: fs}))
		next := put(t, e, "order-2", "e")
		for e.first.Load() == 1 && want == 0 {
			put(t, e, "order-2", fmt.Sprint(e.end.head()))
		}
		if got := must[[]relay.Entry](t)(e.Read(context.Background(), "order-1")); len(got) != want {
			t.Errorf("down for %v: %d entries, want %d", down, len(got), want)
		}
		if next.Position.Seq != old.Position.Seq+1 {
			t.Errorf("the log goes on at %v behind %v", next.Position, old.Position)
		}
		shut(t, e)
	}
}

// TestSpaceComesBack appends many times what is retained: the folder does not grow with it.
func TestSpaceComesBack(t *testing.T) {
	path := t.TempDir()
	const retention, rounds, each = 100 * time.Millisecond, 8, 500
	e := must[*Engine](t)(New(Options{Path: path, Retention: retention, Log: quiet, memory: 512 << 10}))
	defer func() { shut(t, e) }()
	var written, largest int64
	for round := range rounds {
		for i := range each {
			ev := event(fmt.Sprint("order-", i), fmt.Sprint("e-", round))
			ev.TransactionID = noise(4 << 10)
			written += int64(len(ev.TransactionID))
			if _, _, err := e.Append(context.Background(), ev); err != nil {
				t.Fatal(err)
			}
		}
		for head := e.end.head(); e.first.Load() <= head; { // until the round has expired
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			<-ctx.Done()
			cancel()
		}
		largest = max(largest, size(t, path))
	}
	t.Logf("%d MB were appended, the folder had %.1f MB at most", written>>20, float64(largest)/(1<<20))
	if largest > written/2 {
		t.Errorf("%d bytes were appended, of which at most %d were retained; the folder had %d", written, written/rounds, largest)
	}
}

func size(t testing.TB, dir string) (n int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil { // else it is gone
				n += info.Size()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExpiryPassesDamage expires entries of which some cannot be read: they do not hold up the others.
func TestExpiryPassesDamage(t *testing.T) {
	fs := vfs.NewMem()
	const retention = 50 * time.Millisecond
	e := must[*Engine](t)(New(Options{Path: home, Retention: 1000 * time.Hour, Log: quiet, fs: fs}))
	const n = 3000
	for i := range n {
		put(t, e, fmt.Sprint("order-", i%50), fmt.Sprint("e-", i))
	}
	damaged := []uint64{1, 2, 9}
	for seq := uint64(100); seq < 2500; seq++ { // as when a whole table is lost
		damaged = append(damaged, seq)
	}
	for _, seq := range damaged {
		if err := e.db.Set(entryKey(seq), []byte("rubbish, of which the age is not known"), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Read(context.Background(), "order-1"); err == nil {
		t.Error("Read returned what is damaged")
	}
	shut(t, e)
	e = must[*Engine](t)(New(Options{Path: home, Retention: retention, Log: quiet, fs: fs}))
	defer func() { shut(t, e) }()
	for e.first.Load() <= n {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		<-ctx.Done()
		cancel()
	}
	if got := must[[]relay.Entry](t)(e.Read(context.Background(), "order-1")); len(got) != 0 {
		t.Errorf("%d entries are left", len(got))
	}
	if en := put(t, e, "order-1", "e-1"); en.Position.Seq != n+1 {
		t.Errorf("an expired id is stored at %v", en.Position)
	}
}
