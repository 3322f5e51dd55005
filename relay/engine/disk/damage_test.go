package disk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

const home = "/var/tillbell"

// said collects what an engine logs.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) log() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *said) Len() int { return len(s.String()) }

func openOver(t testing.TB, fs vfs.FS, log *slog.Logger) *Engine {
	t.Helper()
	return must[*Engine](t)(New(Options{Path: home, Log: log, fs: fs}))
}

func shut(t testing.TB, e *Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, e *Engine, payment, id string) relay.Entry {
	t.Helper()
	en, stored, err := e.Append(context.Background(), event(payment, id))
	if err != nil || !stored {
		t.Fatalf("Append(%s, %s): stored %v, error %v", payment, id, stored, err)
	}
	return en
}

func wholeLog(t testing.TB, e *Engine) []relay.Entry {
	t.Helper()
	return must[[]relay.Entry](t)(e.Scan(context.Background(), relay.Position{}, 1<<20))
}

// filled returns the files of an engine that was killed with three tables and a log, and its entries.
func filled(t testing.TB) (*vfs.MemFS, []relay.Entry) {
	fs := vfs.NewCrashableMem()
	e := openOver(t, fs, quiet)
	var log []relay.Entry
	for round := range 4 {
		for i := range 150 {
			log = append(log, put(t, e, fmt.Sprint("order-", i%40), fmt.Sprintf("e-%d-%d", round, i)))
		}
		if round < 3 {
			if err := e.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var after *vfs.MemFS
	die(t, e, func(*Engine) { after = fs.CrashClone(vfs.CrashCloneCfg{}) })
	return after, log
}

func readFile(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f := must[vfs.File](t)(fs.Open(name))
	defer f.Close()
	return must[[]byte](t)(io.ReadAll(f))
}

func writeFile(t testing.TB, fs vfs.FS, name string, data []byte) {
	t.Helper()
	f := must[vfs.File](t)(fs.Create(name, vfs.WriteCategoryUnspecified))
	must[int](t)(f.Write(append([]byte(nil), data...)))
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// clone copies the files, so that each test damages its own.
func clone(t testing.TB, fs *vfs.MemFS) *vfs.MemFS {
	to := vfs.NewMem()
	if err := to.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{home, path.Join(home, nameStore)} {
		to.MkdirAll(dir, 0o700)
		for _, name := range must[[]string](t)(fs.List(dir)) {
			if info := must[vfs.FileInfo](t)(fs.Stat(path.Join(dir, name))); !info.IsDir() {
				writeFile(t, to, path.Join(dir, name), readFile(t, fs, path.Join(dir, name)))
			}
		}
	}
	return to
}

// damages are what is done to a file's bytes.
var damages = map[string]func(data []byte, at int) []byte{
	"a flipped bit": func(data []byte, at int) []byte { data[at] ^= 0x10; return data },
	"zeroes": func(data []byte, at int) []byte {
		clear(data[at:min(len(data), at+512)])
		return data
	},
	"cut":  func(data []byte, at int) []byte { return data[:at] },
	"gone": nil,
}

// TestDamage damages each file of a folder at several places. The engine opens; what it serves is genuine; what was lost
// was said, and is no more than what was in the file; the log goes on behind all that was there.
func TestDamage(t *testing.T) {
	fs, log := filled(t)
	var files []string
	newest := ""
	for _, dir := range []string{home, path.Join(home, nameStore)} {
		for _, name := range must[[]string](t)(fs.List(dir)) {
			if info := must[vfs.FileInfo](t)(fs.Stat(path.Join(dir, name))); !info.IsDir() && name != nameLock && name != "LOCK" {
				files = append(files, path.Join(dir, name))
				if _, ok := logNumber(name); ok {
					newest = max(newest, name)
				}
			}
		}
	}
	for _, file := range files {
		size := len(readFile(t, fs, file))
		for kind, do := range damages {
			for at := range 8 {
				if do == nil && (at > 0 || path.Base(file) == nameIdentity) || size == 0 && do != nil {
					continue // without its identity, the folder is somebody else's
				}
				place := size * at / 8
				t.Run(fmt.Sprintf("%s at %d of %s", kind, place, path.Base(file)), func(t *testing.T) {
					damaged := clone(t, fs)
					if do == nil {
						if err := damaged.Remove(file); err != nil {
							t.Fatal(err)
						}
					} else {
						data := do(readFile(t, fs, file), place)
						if bytes.Equal(data, readFile(t, fs, file)) {
							t.Skip("nothing changed")
						}
						writeFile(t, damaged, file, data)
					}
					// That a log ended where it was cut cannot be told from that its end was not written yet.
					name := path.Base(file)
					survives(t, damaged, log, name == newest && (kind == "cut" || kind == "gone"))
				})
			}
		}
	}
}

// survives opens what is left of a log and checks it.
func survives(t *testing.T, fs vfs.FS, log []relay.Entry, silent bool) {
	var s said
	e := openOver(t, fs, s.log())
	defer func() { shut(t, e) }()
	got := wholeLog(t, e)
	known := make(map[uint64]relay.Entry)
	for _, en := range log {
		known[en.Position.Seq] = en
	}
	last := uint64(0)
	for _, en := range got {
		want := known[en.Position.Seq]
		if en.Position.Epoch == want.Position.Epoch && !reflect.DeepEqual(en, want) || en.Event != want.Event || en.Position.Seq <= last {
			t.Fatalf("entry %v is %+v, want %+v", en.Position, en, want)
		}
		last = en.Position.Seq
	}
	if lost := len(log) - len(got); lost > 0 && !silent && !strings.Contains(s.String(), fmt.Sprintf("missing=%d ", lost)) {
		t.Errorf("%d entries of %d are there, last %d, and nothing was said of it:\n%s", len(got), len(log), last, s.String())
	}
	if len(got) < len(log)-300 { // what the largest table holds
		t.Errorf("only %d entries of %d are there\n%s", len(got), len(log), s.String())
	}
	for i := range 40 {
		payment := fmt.Sprint("order-", i)
		read := must[[]relay.Entry](t)(e.Read(context.Background(), payment))
		n := 0
		for _, en := range got {
			if en.Event.Payment == payment {
				n++
			}
		}
		if len(read) != n {
			t.Errorf("Read(%s) has %d entries, Scan %d", payment, len(read), n)
		}
	}
	if len(got) > 0 {
		if en, stored, err := e.Append(context.Background(), got[0].Event); stored || err != nil || en != got[0] {
			t.Errorf("an id that is there was stored again: %v, %v, error %v", en.Position, stored, err)
		}
	}
	next := put(t, e, "order-next", "e")
	if next.Position.Seq <= last || len(got) < len(log) && s.Len() > 0 && next.Position.Seq <= uint64(len(log)) {
		t.Errorf("the log goes on at %v, it ended at %d\n%s", next.Position, len(log), s.String())
	}
}

// TestMendedStays opens a mended store again: nothing is damaged any more.
func TestMendedStays(t *testing.T) {
	fs, log := filled(t)
	var largest string
	var data []byte
	for _, name := range must[[]string](t)(fs.List(path.Join(home, nameStore))) {
		if file := path.Join(home, nameStore, name); strings.HasSuffix(name, ".sst") && len(readFile(t, fs, file)) > len(data) {
			largest, data = file, readFile(t, fs, file)
		}
	}
	data[len(data)/2] ^= 1 // behind the ids, before what leads to the blocks
	data[len(data)*2/5] ^= 1
	writeFile(t, fs, largest, data)
	var s said
	e := openOver(t, fs, s.log())
	got := wholeLog(t, e)
	next := put(t, e, "order-next", "e")
	shut(t, e)
	if len(got) == len(log) || !strings.Contains(s.String(), nameDamaged) {
		t.Fatalf("%d entries of %d are there; said:\n%s", len(got), len(log), s.String())
	}
	var s2 said
	e = openOver(t, fs, s2.log())
	defer func() { shut(t, e) }()
	if again := wholeLog(t, e); len(again) != len(got)+1 || again[len(got)] != next || s2.Len() > 0 {
		t.Errorf("%d entries, then %d; said:\n%s", len(got)+1, len(again), s2.String())
	}
	f := make(chan relay.Entry, len(got)+1)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = e.Tail(ctx, relay.Position{}, func(en relay.Entry) {
		if f <- en; en == next {
			cancel()
		}
	})
	if len(f) != len(got)+1 {
		t.Errorf("Tail delivered %d entries, want %d over the hole", len(f), len(got)+1)
	}
}
