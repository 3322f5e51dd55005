package disk

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/enginetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("TILLBELL_TEST_HOLD"); path != "" {
		hold(path)
		return
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// die ends what the engine does to its files, and closes it.
func die(t testing.TB, e relay.Engine, meanwhile func(e *Engine)) {
	t.Helper()
	d := e.(*Engine)
	d.guard.Fail(errClosed)
	meanwhile(d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// killed is over the system's files. A process that is killed leaves them as they are.
var killed = enginetest.Harness{
	Open: func(t testing.TB, retention time.Duration) relay.Engine {
		return must[*Engine](t)(New(Options{Path: t.TempDir(), Retention: retention, Log: quiet}))
	},
	Reopen: func(t testing.TB, e relay.Engine) relay.Engine {
		path := t.TempDir()
		die(t, e, func(e *Engine) { copyDir(t, e.folder.path, path) })
		return must[*Engine](t)(New(Options{Path: path, Log: quiet}))
	},
	Local: true,
}

// unplugged is over a file system that forgets what was not synced.
var unplugged = enginetest.Harness{
	Open: func(t testing.TB, retention time.Duration) relay.Engine {
		return must[*Engine](t)(New(Options{Path: "/tillbell", Retention: retention, Log: quiet, fs: vfs.NewCrashableMem()}))
	},
	Reopen: func(t testing.TB, e relay.Engine) relay.Engine {
		var after vfs.FS
		die(t, e, func(e *Engine) { after = e.folder.fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{}) })
		return must[*Engine](t)(New(Options{Path: "/tillbell", Log: quiet, fs: after}))
	},
	Local: true,
}

func TestEngine(t *testing.T) {
	t.Run("killed", func(t *testing.T) { t.Parallel(); enginetest.Run(t, killed) })
	t.Run("unplugged", func(t *testing.T) { t.Parallel(); enginetest.Run(t, unplugged) })
}

func BenchmarkEngine(b *testing.B) { enginetest.Benchmark(b, killed) }

// copyDir copies what a folder holds at the moment, file by file.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := must[string](t)(filepath.Rel(from, path))
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
