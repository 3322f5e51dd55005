package disk

import (
	"os"
	"path"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

// recorder is a file system that notes everything that is done to it, so that what a disk may hold after a power loss
// can be built for each moment.
type recorder struct {
	vfs.FS

	mu  sync.Mutex
	ops []op
	ids int
}

// op is one step: do changes the state of a disk, ack is the entry that an Append had returned.
type op struct {
	what string
	do   func(d *disk)
	ack  *relay.Entry
}

func (r *recorder) note(what string, do func(d *disk)) {
	r.ops = append(r.ops, op{what: what, do: do})
}

// change does something to the file system below and notes it, in one step.
func (r *recorder) change(what string, below func() error, do func(d *disk)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := below(); err != nil {
		return err
	}
	r.note(what, do)
	return nil
}

func (r *recorder) acked(en relay.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op{what: "ack", do: func(*disk) {}, ack: &en})
}

// disk is what a disk knows, and what it may forget.
type disk struct {
	files   map[int]*content
	names   map[string]int // directories are -1
	durable map[string]int
}

// content is what a file holds: what was synced, and what was written since.
type content struct {
	synced []byte
	writes []write
}

type write struct {
	at   int
	data []byte
}

func (w write) on(data []byte) []byte {
	if n := w.at + len(w.data); n > len(data) {
		data = append(data, make([]byte, n-len(data))...)
	}
	copy(data[w.at:], w.data)
	return data
}

func (c *content) sync() {
	for _, w := range c.writes {
		c.synced = w.on(c.synced)
	}
	c.writes = nil
}

// fates are what may become of writes that were not synced.
var fates = map[string]func(c *content) []byte{
	"forgotten": func(c *content) []byte { return c.synced },
	"kept": func(c *content) []byte {
		data := append([]byte(nil), c.synced...)
		for _, w := range c.writes {
			data = w.on(data)
		}
		return data
	},
	"torn": func(c *content) []byte {
		data := append([]byte(nil), c.synced...)
		for i, w := range c.writes {
			if i == len(c.writes)-1 {
				w.data = w.data[:len(w.data)/2]
			}
			data = w.on(data)
		}
		return data
	},
	"last alone": func(c *content) []byte {
		data := append([]byte(nil), c.synced...)
		if n := len(c.writes); n > 0 {
			data = c.writes[n-1].on(data)
		}
		return data
	},
}

// after returns the files that a disk holds after the power is back.
func (d *disk) after(t testing.TB, names map[string]int, fate func(*content) []byte) *vfs.MemFS {
	fs := vfs.NewMem()
	for name, id := range names {
		reachable := true
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			_, ok := names[dir]
			reachable = reachable && ok
		}
		if !reachable {
			continue
		}
		if id < 0 {
			fs.MkdirAll(name, 0o700)
			continue
		}
		fs.MkdirAll(path.Dir(name), 0o700)
		writeFile(t, fs, name, fate(d.files[id]))
	}
	return fs
}

func (r *recorder) file(name string, f vfs.File, fresh bool) (vfs.File, error) {
	id := r.ids
	r.ids++
	r.note("create "+name, func(d *disk) {
		if old, ok := d.names[name]; ok && !fresh {
			d.files[id] = d.files[old] // the same file by another handle
			return
		}
		d.files[id] = &content{}
		d.names[name] = id
	})
	return &recorded{File: f, r: r, id: id, name: name}, nil
}

func (r *recorder) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	return r.file(name, f, true)
}

func (r *recorder) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := r.Rename(from, to); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.FS.OpenReadWrite(to, c)
	if err != nil {
		return nil, err
	}
	return r.file(to, f, false)
}

func (r *recorder) Rename(from, to string) error {
	return r.change("rename "+from+" "+to, func() error { return r.FS.Rename(from, to) }, func(d *disk) {
		d.names[to] = d.names[from]
		delete(d.names, from)
	})
}

func (r *recorder) Link(from, to string) error {
	return r.change("link "+to, func() error { return r.FS.Link(from, to) }, func(d *disk) { d.names[to] = d.names[from] })
}

func (r *recorder) Remove(name string) error {
	return r.change("remove "+name, func() error { return r.FS.Remove(name) }, func(d *disk) { delete(d.names, name) })
}

func (r *recorder) MkdirAll(name string, perm os.FileMode) error {
	return r.change("mkdir "+name, func() error { return r.FS.MkdirAll(name, perm) }, func(d *disk) {
		for ; name != "/"; name = path.Dir(name) {
			d.names[name] = -1
		}
	})
}

func (r *recorder) OpenDir(name string) (vfs.File, error) {
	f, err := r.FS.OpenDir(name)
	return &recordedDir{f, r, name}, err
}

type recordedDir struct {
	vfs.File
	r    *recorder
	name string
}

func (f *recordedDir) Sync() error {
	return f.r.change("sync "+f.name, f.File.Sync, func(d *disk) {
		for name := range d.durable {
			if _, ok := d.names[name]; path.Dir(name) == f.name && !ok {
				delete(d.durable, name)
			}
		}
		for name, id := range d.names {
			if path.Dir(name) == f.name {
				d.durable[name] = id
			}
		}
	})
}

type recorded struct {
	vfs.File
	r    *recorder
	id   int
	name string
	at   int
}

func (f *recorded) Write(p []byte) (int, error) {
	data, at := append([]byte(nil), p...), f.at
	f.at += len(p)
	err := f.r.change("write "+f.name, func() error { _, err := f.File.Write(p); return err }, func(d *disk) {
		c := d.files[f.id]
		c.writes = append(c.writes, write{at, data})
	})
	return len(p), err
}

func (f *recorded) Sync() error {
	return f.r.change("sync "+f.name, f.File.Sync, func(d *disk) { d.files[f.id].sync() })
}

func (f *recorded) SyncData() error { return f.Sync() }

func (f *recorded) SyncTo(int64) (bool, error) { return true, f.Sync() }
