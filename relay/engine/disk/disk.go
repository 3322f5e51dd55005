package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/disk/internal/guard"
)

// Errors of an Engine that a program may want to know. All but ErrFull and ErrInUse last.
var (
	// ErrFull says that the disk is full. The engine goes on by itself when there is space.
	ErrFull = errors.New("the disk is full")
	// ErrStopped says that the disk did not keep what it was given: nothing is stored or read any more until the
	// engine is opened anew, and finds out what is there.
	ErrStopped = errors.New("the engine stopped")
	errClosed  = guard.ErrClosed
)

// Options of an Engine.
type Options struct {
	// Path is the engine's folder. It is made, with its parents, if it is not there; else it must be empty or the
	// engine's already. It must be given.
	Path string
	// Retention is how long entries are kept at least, by the log's own clock; they go within a hundredth of it, or
	// 10 seconds, after that. 0 is 72 hours, over which providers retry.
	Retention time.Duration
	// Log gets a line for each damage that was found, when the disk becomes full and when it no longer is, and when
	// the engine stopped. nil is slog.Default().
	Log *slog.Logger

	fs     vfs.FS // nil is the system's
	memory uint64 // of one of the store's tables in memory; 0 is 16 MiB
}

// Engine is a relay.Engine on disk.
type Engine struct {
	retention time.Duration
	memory    uint64
	log       *slog.Logger
	folder    *folder
	guard     *guard.FS
	db        *pebble.DB
	epoch     string
	clock     clock

	waiting  queue
	first    atomic.Uint64 // all before it has expired
	end      end
	reserved uint64 // bounds.reserved, of the committer
	offset   int64  // of the wall clock from the log's, as the newest mark has it

	given  atomic.Uint64 // e.first when space was given back last
	giving sync.Mutex    // held meanwhile

	ctx     context.Context // ends with the engine
	stop    context.CancelFunc
	stopped sync.WaitGroup // of the committer and what it begins

	mu     sync.RWMutex // held for reading while the store is read
	closed bool
}

// New opens the engine's folder. It takes as long as reading up to 1 GiB of it, and, if there is damage, as copying what
// is whole.
func New(o Options) (*Engine, error) {
	if o.Retention == 0 {
		o.Retention = 72 * time.Hour
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.fs == nil {
		path, err := absolute(o.Path)
		if err != nil {
			return nil, fmt.Errorf("disk: open %s: %w", o.Path, err)
		}
		o.fs, o.Path = vfs.Default, path
	}
	if o.memory == 0 {
		o.memory = 16 << 20
	}
	e := &Engine{retention: o.Retention, memory: o.memory, log: o.Log}
	e.ctx, e.stop = context.WithCancel(context.Background())
	if err := e.open(o); err != nil {
		e.stop()
		return nil, fmt.Errorf("disk: open %s: %w", o.Path, advised(err))
	}
	e.waiting.wake = make(chan struct{}, 1)
	e.stopped.Go(e.commits)
	return e, nil
}

// advised adds what to change to an error of the system.
func advised(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; let this user write to the folder and to all that is in it, or choose another folder", err)
	case guard.IsFull(err):
		return fmt.Errorf("%w; make space there, 100 MiB at least, and start again", err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; choose a folder that can be made there", err)
	}
	return err
}

func (e *Engine) open(o Options) (err error) {
	if e.folder, err = openFolder(o.fs, o.Path, o.Log); err != nil {
		return err
	}
	if err = e.openWhole(); err != nil {
		return errors.Join(err, e.folder.lock.Close())
	}
	e.guard.Opened()
	return nil
}

// load reads where the log is.
func (e *Engine) load() error {
	epoch, err := get(e.db, keyEpoch)
	if err != nil {
		return err
	}
	if e.epoch = string(epoch); e.epoch == "" {
		e.epoch = e.folder.epoch
	}
	if e.epoch == "" { // the identity was damaged and the store is gone
		e.epoch = newEpoch()
	}
	m, err := loadMark(e.db)
	if err != nil {
		return err
	}
	first, err := loadFirst(e.db)
	if err != nil {
		return err
	}
	newest, err := e.newest()
	if err != nil {
		return err
	}
	e.first.Store(first)
	e.clock = resume(m, newest)
	e.offset = e.clock.began.UnixNano() - e.clock.base
	e.end.start(m.last)
	if epoch != nil {
		return nil
	}
	b := e.db.NewBatch()
	defer b.Close()
	err = errors.Join(b.Set(keyEpoch, []byte(e.epoch), nil), b.Set(keyMark, e.clock.mark(m.last).bytes(), nil))
	return errors.Join(err, b.Commit(pebble.Sync))
}

func loadMark(r pebble.Reader) (mark, error) {
	b, err := get(r, keyMark)
	if b == nil {
		return mark{}, err
	}
	return parseMark(b)
}

func loadFirst(r pebble.Reader) (uint64, error) {
	b, err := get(r, keyFirst)
	if b == nil {
		return 1, err
	}
	return entrySeq(append([]byte{kindEntry}, b...))
}

// newest returns the age stamp of the newest entry.
func (e *Engine) newest() (age int64, err error) {
	it, err := e.db.NewIter(within([]byte{kindEntry}, []byte{kindEntry + 1}))
	if err != nil {
		return 0, err
	}
	if it.Last() {
		var value []byte
		if value, err = it.ValueAndErr(); err == nil {
			age, err = parseAge(value)
		}
	}
	return age, errors.Join(err, it.Error(), it.Close())
}

// closing is how long Close waits for the disk.
const closing = 10 * time.Second

// Close ends the engine: what was being appended is stored or refused. If the disk does not answer for 10 seconds, Close
// returns an error and leaves the folder locked until the process ends.
func (e *Engine) Close() error {
	done := make(chan error, 1)
	go func() { done <- e.close() }()
	timer := time.NewTimer(closing)
	defer timer.Stop()
	var err error
	select {
	case err = <-done:
	case <-timer.C:
		e.guard.Fail(errClosed)
		err = fmt.Errorf("the disk does not answer for %v", closing)
	}
	if err != nil {
		return fmt.Errorf("disk: close %s: %w", e.folder.path, err)
	}
	return nil
}

func (e *Engine) close() error {
	e.stop()
	select {
	case <-e.guard.Full(): // what waits for space waits no longer
		e.guard.Fail(errClosed)
	default:
	}
	e.stopped.Wait()
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	err := e.closeStore()
	return errors.Join(err, e.folder.lock.Close())
}

// closeStore closes the store and leaves word of where the log ended.
func (e *Engine) closeStore() error {
	whole := !e.guard.Dead()
	if whole {
		whole = e.db.Set(keyMark, e.clock.mark(e.end.head()).bytes(), pebble.Sync) == nil
	}
	err := e.db.Close()
	if whole = whole && !e.guard.Dead(); whole && err == nil {
		err = e.folder.replace(nameBounds, bounds{e.reserved, e.end.head()}.text())
	}
	cause := e.guard.Cause()
	e.guard.Close()
	if cause != nil { // what the store says of the void says nothing
		err = nil
		if !errors.Is(cause, errClosed) {
			err = fmt.Errorf("%w: %w", ErrStopped, cause)
		}
	}
	return err
}

// reading begins a use of the store. The caller calls e.mu.RUnlock if it returns nil.
func (e *Engine) reading() error {
	e.mu.RLock()
	err := e.well()
	if err == nil && e.closed {
		err = errClosed
	}
	if err != nil {
		e.mu.RUnlock()
	}
	return err
}

// well returns why the engine answers nothing any more, or nil.
func (e *Engine) well() error {
	cause := e.guard.Cause()
	switch {
	case cause == nil:
		return nil
	case errors.Is(cause, errClosed):
		return cause
	}
	return fmt.Errorf("%w: %w", ErrStopped, cause)
}

// Head returns the position of the newest entry.
func (e *Engine) Head(context.Context) (relay.Position, error) {
	if err := e.well(); err != nil {
		return relay.Position{}, fmt.Errorf("disk: head: %w", err)
	}
	return relay.Position{Epoch: e.epoch, Seq: e.end.head()}, nil
}

// Read returns the payment's entries.
func (e *Engine) Read(_ context.Context, payment string) ([]relay.Entry, error) {
	if err := e.reading(); err != nil {
		return nil, fmt.Errorf("disk: read: %w", err)
	}
	defer e.mu.RUnlock()
	entries, err := e.read(payment, e.end.head())
	if err != nil {
		return nil, e.told(fmt.Errorf("disk: read: %w", err))
	}
	return entries, nil
}

// Scan returns entries of the whole log.
func (e *Engine) Scan(_ context.Context, after relay.Position, limit int) ([]relay.Entry, error) {
	if err := e.reading(); err != nil {
		return nil, fmt.Errorf("disk: scan: %w", err)
	}
	defer e.mu.RUnlock()
	head := e.end.head()
	if after.Epoch != e.epoch || after.Seq > head {
		after = relay.Position{}
	}
	entries, err := e.scan(nil, after.Seq+1, head, limit)
	if err != nil {
		return nil, e.told(fmt.Errorf("disk: scan: %w", err))
	}
	return entries, nil
}

// told logs an error that is damage: whoever called knows nothing of files.
func (e *Engine) told(err error) error {
	e.log.Error("disk engine cannot read", "path", e.folder.path, "error", firstLine(err))
	return err
}
