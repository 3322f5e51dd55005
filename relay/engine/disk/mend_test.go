package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

// TestStoreGone takes the store away after a kill: that is said, and no position is given a second time.
func TestStoreGone(t *testing.T) {
	var s said
	fs := vfs.NewCrashableMem()
	e := openOver(t, fs, s.log())
	path := e.folder.path
	var last relay.Entry
	for i := range 10 {
		last = put(t, e, fmt.Sprint("order-", i), "e")
	}
	var after *vfs.MemFS
	die(t, e, func(*Engine) { after = fs.CrashClone(vfs.CrashCloneCfg{}) })
	if err := after.RemoveAll(after.PathJoin(path, nameStore)); err != nil {
		t.Fatal(err)
	}
	e = openOver(t, after, s.log())
	defer func() { shut(t, e) }()
	if again := put(t, e, "another", "e"); again.Position.Epoch == last.Position.Epoch && again.Position.Seq <= last.Position.Seq {
		t.Errorf("position %v was given before: %v was acknowledged", again.Position, last.Position)
	}
	if !strings.Contains(s.String(), "store is missing") {
		t.Errorf("the log says %q", s.String())
	}
}

// TestStoreIsPrivate holds that nobody else can read payments, also in a folder that somebody else made.
func TestStoreIsPrivate(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	e := must[*Engine](t)(New(Options{Path: dir, Log: quiet}))
	put(t, e, "order-1", "e")
	shut(t, e)
	info := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, nameStore)))
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the store has the mode %v", info.Mode())
	}
}

// TestLaterVersion leaves a folder alone that a later version has written, whatever its identity has come to hold.
func TestLaterVersion(t *testing.T) {
	dir := t.TempDir()
	shut(t, must[*Engine](t)(New(Options{Path: dir, Log: quiet})))
	later := "tillbell disk engine 2\nepoch abcdefghij\nshards 4\nsum 00000000\n"
	file := filepath.Join(dir, nameIdentity)
	if err := os.WriteFile(file, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := New(Options{Path: dir, Log: quiet}); err == nil {
		shut(t, e)
		t.Error("it was opened")
	}
	if now := must[[]byte](t)(os.ReadFile(file)); string(now) != later {
		t.Errorf("its identity is %q", now)
	}
}

// TestKeepTime holds that a step of the wall clock is noted while the process runs: a start after a kill would take it
// for time that has passed.
func TestKeepTime(t *testing.T) {
	e := must[*Engine](t)(New(Options{Path: t.TempDir(), Log: quiet}))
	put(t, e, "order-1", "e")
	e.stop()
	e.stopped.Wait() // the committer is this goroutine
	m := must[mark](t)(loadMark(e.db))
	m.wall -= int64(100 * time.Hour) // what it would be if the clock had been set forward since
	if err := e.db.Set(keyMark, m.bytes(), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	e.offset -= int64(100 * time.Hour)
	e.keepTime()
	if again := must[mark](t)(loadMark(e.db)); again.wall-m.wall < int64(99*time.Hour) || again.last != m.last {
		t.Errorf("mark %+v after a step, %+v before", again, m)
	}
	shut(t, e)
}
