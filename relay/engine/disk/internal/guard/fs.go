package guard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// IsFull reports whether err says that there is no space.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isTable reports whether the file is one that the store writes anew when writing it failed.
func isTable(name string) bool { return strings.HasSuffix(name, ".sst") }

// isLog reports whether the file is a log of the store.
func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// try does a write of the named file until it does not find the disk full, or once where the store can begin anew, and
// returns its error if the store may see it. Where it may not, the guard is broken and the error nil: the void began.
func (g *FS) try(name string, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if !IsFull(err) || g.Opening() {
			if !isTable(name) || g.Opening() {
				g.Fail(fmt.Errorf("%s: %w", filepath.Base(name), err))
				return nil
			}
			return err
		}
		select {
		case <-g.broken:
			return nil
		case <-g.NoSpace():
		case <-time.After(look): // what is given back is written first
		}
		if isTable(name) {
			return err
		}
	}
}

// Opening reports whether the store is being opened.
func (g *FS) Opening() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opening
}

// Lock returns a lock of nothing: the engine's own covers the store.
func (g *FS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap returns the file system below.
func (g *FS) Unwrap() vfs.FS { return g.FS }

func (g *FS) create(name string, do func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	if !g.Dead() {
		err := g.try(name, func() (err error) { f, err = do(); return err })
		if err != nil {
			return nil, err
		}
	}
	if f == nil {
		if err := g.void.MkdirAll(g.void.PathDir(name), 0o700); err != nil {
			return nil, err
		}
		return g.void.Create(name, vfs.WriteCategoryUnspecified)
	}
	return &guarded{File: f, g: g, name: name}, nil
}

// Create creates a file.
func (g *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.create(name, func() (vfs.File, error) { return g.FS.Create(name, c) })
}

// OpenReadWrite opens a file for writing.
func (g *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return g.create(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, o...) })
}

// ReuseForWrite opens an old file under another name.
func (g *FS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.create(to, func() (vfs.File, error) { return g.FS.ReuseForWrite(from, to, c) })
}

// Open opens a file for reading; of the void first.
func (g *FS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	if g.Dead() {
		if f, err := g.void.Open(name); err == nil {
			return f, nil
		}
	}
	return g.FS.Open(name, o...)
}

// OpenDir opens a directory, which is there to be synced.
func (g *FS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guarded{File: f, g: g, name: name}, nil
}

// Stat describes a file; of the void first.
func (g *FS) Stat(name string) (vfs.FileInfo, error) {
	if g.Dead() {
		if fi, err := g.void.Stat(name); err == nil {
			return fi, nil
		}
	}
	return g.FS.Stat(name)
}

// change does what changes names.
func (g *FS) change(name string, do func() error) error {
	if g.Dead() {
		return nil
	}
	return g.try(name, do)
}

// Link makes a hard link.
func (g *FS) Link(from, to string) error {
	return g.change(to, func() error { return g.FS.Link(from, to) })
}

// Rename renames a file.
func (g *FS) Rename(from, to string) error {
	if g.Dead() {
		_ = g.void.Rename(from, to)
		return nil
	}
	return g.try(to, func() error { return g.FS.Rename(from, to) })
}

// Remove removes a file. That it fails, or that the file is not there, harms nothing and is left to the store.
func (g *FS) Remove(name string) error {
	if isLog(name) || isTable(name) {
		select {
		case <-g.settled:
		case <-g.broken:
		}
		if !g.removes.Load() {
			return nil
		}
	}
	if g.Dead() {
		return nil
	}
	return g.FS.Remove(name)
}

// RemoveAll removes a directory.
func (g *FS) RemoveAll(name string) error {
	if g.Dead() {
		return nil
	}
	return g.FS.RemoveAll(name)
}

// MkdirAll makes a directory.
func (g *FS) MkdirAll(dir string, perm os.FileMode) error {
	return g.change(dir, func() error { return g.FS.MkdirAll(dir, perm) })
}

// guarded is a file of an FS.
type guarded struct {
	vfs.File
	g    *FS
	name string
}

// Write writes all of p, over as many spells of a full disk as there are.
func (f *guarded) Write(p []byte) (int, error) {
	written := 0
	err := f.g.change(f.name, func() error {
		n, err := f.File.Write(p[written:])
		written += n
		return err
	})
	if err != nil {
		return written, err
	}
	return len(p), nil
}

// WriteAt writes all of p.
func (f *guarded) WriteAt(p []byte, off int64) (int, error) {
	err := f.g.change(f.name, func() error { _, err := f.File.WriteAt(p, off); return err })
	return len(p), err
}

// Sync syncs the file. A sync is never repeated: what a failed one has left unwritten, the next one may not know of.
func (f *guarded) Sync() error { return f.sync(f.File.Sync) }

// SyncData syncs the file's data.
func (f *guarded) SyncData() error { return f.sync(f.File.SyncData) }

// SyncTo begins to sync a prefix of the file.
func (f *guarded) SyncTo(length int64) (full bool, err error) {
	err = f.sync(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

func (f *guarded) sync(do func() error) error {
	if f.g.Dead() {
		return nil
	}
	err := do()
	if err == nil || isTable(f.name) && !f.g.Opening() {
		return err
	}
	f.g.Fail(fmt.Errorf("sync %s: %w", filepath.Base(f.name), err))
	return nil
}

// Preallocate reserves space. It is only a hint: a full disk shows in the write.
func (f *guarded) Preallocate(offset, length int64) error {
	if f.g.Dead() {
		return nil
	}
	_ = f.File.Preallocate(offset, length)
	return nil
}

// Close closes the file.
func (f *guarded) Close() error {
	if err := f.File.Close(); err != nil && !f.g.Dead() {
		return err
	}
	return nil
}
