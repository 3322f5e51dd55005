package disk

import (
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// faulty is a file system whose writes and syncs can be made to fail or to hang.
type faulty struct {
	vfs.FS

	mu    sync.Mutex
	write error         // of each write, after half of it
	sync  error         // of each sync
	hang  chan struct{} // what a sync waits for
	match string        // in the names of the files concerned

	slow time.Duration // what each sync takes besides; set before use
}

func (f *faulty) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// get returns what becomes of a write and of a sync of the file.
func (f *faulty) get(name string) (hang chan struct{}, write, sync error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !strings.Contains(name, f.match) {
		return nil, nil, nil
	}
	return f.hang, f.write, f.sync
}

func (f *faulty) file(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f, name}, nil
}

func (f *faulty) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if _, err, _ := f.get(name); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name, c)
	return f.file(name, file, err)
}

func (f *faulty) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, c)
	return f.file(to, file, err)
}

func (f *faulty) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.file(name, file, err)
}

type faultyFile struct {
	vfs.File
	f    *faulty
	name string
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if _, err, _ := f.f.get(f.name); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Sync() error {
	hang, _, err := f.f.get(f.name)
	if hang != nil {
		<-hang
	}
	if err != nil {
		return err
	}
	if f.f.slow > 0 {
		<-time.After(f.f.slow)
	}
	return f.File.Sync()
}

func (f *faultyFile) SyncData() error                  { return f.Sync() }
func (f *faultyFile) SyncTo(n int64) (bool, error)     { return true, f.Sync() }
func (f *faultyFile) Preallocate(off, len int64) error { return nil }
