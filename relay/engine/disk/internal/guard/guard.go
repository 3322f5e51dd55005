// Package guard is the file system that the disk engine gives its store. It keeps from the store what the store would end
// the process for: a full disk, and a disk that does not keep what it is given.
package guard

import (
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrClosed breaks the guard of an engine that is closed. Nothing is logged of it.
var ErrClosed = errors.New("the engine is closed")

// FS is the file system that the store works on. It keeps from the store what the store would end the process for.
//
// A write that finds the disk full waits until there is space, and meanwhile appends are answered with ErrFull. Any
// other error in a file that durability rests on, a failed sync above all, breaks the guard: from then on the store
// writes into a void, so that the files stay as they are, as after a crash, and the engine acknowledges nothing more.
type FS struct {
	vfs.FS
	path string
	log  *slog.Logger
	void *vfs.MemFS // what is written after the guard broke

	mu      sync.Mutex
	opening bool          // whoever opens the store is told of any error, also that the disk is full
	full    chan struct{} // closed while the disk is full
	space   chan struct{} // closed while it is not
	began   time.Time     // of the disk being full
	err     error         // why it broke
	broken  chan struct{} // closed when it broke
	watch   sync.WaitGroup

	resting chan struct{} // closed when a goroutine of the store rests
	rests   sync.Once
	settled chan struct{} // closed when it is known whether tables and logs may be removed
	removes atomic.Bool   // that they may
}

// New returns a guard over fs for the store in the folder at path, which is being opened.
func New(fs vfs.FS, path string, log *slog.Logger) *FS {
	g := &FS{
		FS: fs, path: path, log: log, void: vfs.NewMem(), opening: true,
		full: make(chan struct{}), space: make(chan struct{}), broken: make(chan struct{}),
		resting: make(chan struct{}), settled: make(chan struct{}),
	}
	close(g.space)
	return g
}

// Settle says whether what the store has no more use for may be removed. Until then its goroutine that removes waits:
// a store that has forgotten a table would remove it.
func (g *FS) Settle(removes bool) {
	g.removes.Store(removes)
	close(g.settled)
}

// Opened says that the store is open and that its errors are no longer returned to anybody.
func (g *FS) Opened() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opening = false
}

// Fail breaks the guard for the first error it is given.
func (g *FS) Fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return
	}
	g.err = err
	close(g.broken)
	if !g.opening && !errors.Is(err, ErrClosed) {
		g.log.Error("disk engine stopped: restart it when the disk is well", "path", g.path, "error", err)
	}
}

// Rest ends a goroutine of the store without letting go of anything.
func (g *FS) Rest() {
	g.rests.Do(func() { close(g.resting) })
	select {}
}

// Dead reports whether the guard broke.
func (g *FS) Dead() bool {
	select {
	case <-g.broken:
		return true
	default:
		return false
	}
}

// Cause returns why the guard broke, or nil.
func (g *FS) Cause() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// Full returns a channel that is closed when the disk is full.
func (g *FS) Full() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.full
}

// NoSpace says that the disk is full and returns a channel that is closed when it no longer is.
func (g *FS) NoSpace() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.full:
	default:
		g.began = time.Now()
		g.space = make(chan struct{})
		close(g.full)
		g.log.Error("disk full: callbacks are refused until there is space", "path", g.path)
		g.watch.Go(g.await)
	}
	return g.space
}

// look is how often a full disk is looked at.
const look = 250 * time.Millisecond

// await waits until the disk has space, or the guard broke.
func (g *FS) await() {
	every := time.NewTicker(look)
	defer every.Stop()
	for {
		select {
		case <-g.broken:
			return
		case <-every.C:
		}
		if reserve, free := g.Usage(); free < reserve+reserve/4 || !g.probe() {
			continue
		}
		g.mu.Lock()
		g.full = make(chan struct{})
		close(g.space)
		g.log.Info("disk has space again", "path", g.path, "after", time.Since(g.began).Round(time.Millisecond))
		g.mu.Unlock()
		return
	}
}

// reserved is how much space is left to what has to go on while appends are refused: expiry makes room only after it
// has written what is gone.
const reserved = 64 << 20

// Usage returns how much space is kept free, the sixteenth part of a small file system, and how much is free. Where
// that cannot be known it is plenty.
func (g *FS) Usage() (reserve, free uint64) {
	u, err := g.FS.GetDiskUsage(g.path)
	if err != nil {
		return 0, 1
	}
	return min(reserved, u.TotalBytes/16), u.AvailBytes
}

// probe reports whether some data can be written: a quota shows in no statistics.
func (g *FS) probe() bool {
	name := filepath.Join(g.path, "probe")
	f, err := g.FS.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return false
	}
	_, err = f.Write(make([]byte, 1<<20))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if e := g.FS.Remove(name); err == nil {
		err = e
	}
	return err == nil
}

// Broken is closed when the guard broke.
func (g *FS) Broken() <-chan struct{} { return g.broken }

// Resting is closed when a goroutine of the store rests.
func (g *FS) Resting() <-chan struct{} { return g.resting }

// Path is the folder that the guard watches.
func (g *FS) Path() string { return g.path }

// Close breaks the guard with ErrClosed, if nothing did before, and waits for its goroutine.
func (g *FS) Close() {
	g.Fail(ErrClosed)
	g.watch.Wait()
}

// Space returns a channel that is closed when the disk is not, or no longer, full.
func (g *FS) Space() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.space
}
