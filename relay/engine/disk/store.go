package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/tillbell/tillbell/relay/engine/disk/internal/guard"
)

// storeOptions are how the store is opened. It costs some 100 MB at most, and few descriptors: those are for clients. memory is the
// size of a table in memory, of which there are up to four, and of a log file, of which there are up to five.
//
// The store takes its tables in memory off the cache (package pebble, DB.newMemTable): two of them as a rule, the one that
// is written and the one before it. What is left is for blocks, without which each look-up reads and checks some six.
func storeOptions(g *guard.FS, log *slog.Logger, memory uint64) *pebble.Options {
	o := &pebble.Options{
		FS:                          g,
		FormatMajorVersion:          pebble.FormatTableFormatV6, // the version of the folder stands for it
		CacheSize:                   96 << 20,
		MaxOpenFiles:                256,
		MemTableSize:                memory,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       64,
		FlushDelayDeleteRange:       time.Minute, // what has expired is given back also when nothing more comes
		Logger:                      storeLog{guard: g, log: log},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				if !g.Dead() && !g.Opening() && !guard.IsFull(err) && !pebble.IsCorruptionError(err) {
					log.Error("disk engine's store", "path", g.Path(), "error", firstLine(err))
				}
			},
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				if !g.Opening() {
					log.Error("damaged file", "path", info.Path, "error", firstLine(info.Details))
				}
			},
		},
	}
	for i := range len(o.Levels) - 1 { // of the bottom the store reads none
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most ids that are looked up are not there
	}
	return o
}

// storeLog is the store's logger.
type storeLog struct {
	guard *guard.FS
	log   *slog.Logger
}

// Infof drops what the store tells of its daily work.
func (l storeLog) Infof(string, ...any) {}

// Errorf logs.
func (l storeLog) Errorf(format string, args ...any) {
	if !l.guard.Dead() && !l.guard.Opening() {
		l.log.Error("disk engine's store", "path", l.guard.Path(), "error", firstLine(fmt.Errorf(format, args...)))
	}
}

// Fatalf must not return, says the store: the goroutine rests for ever, with the store's locks, so that nothing more
// happens in it. What leads here is rare, for the guard keeps failed writes from the store.
func (l storeLog) Fatalf(format string, args ...any) {
	l.guard.Fail(fmt.Errorf(format, args...))
	l.guard.Rest()
}

// openStore opens the store in the directory. Of a panic, which some damage leads to, it makes an error.
func openStore(dir string, o *pebble.Options, g *guard.FS) (*pebble.DB, error) {
	var db *pebble.DB
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				db, err = nil, fmt.Errorf("%v", p)
			}
		}()
		db, err = pebble.Open(dir, o)
	}()
	select {
	case <-done:
	case <-g.Resting():
		return nil, g.Cause()
	}
	if cause := g.Cause(); cause != nil { // the store is one of the void
		if db != nil {
			_ = db.Close()
		}
		return nil, cause
	}
	return db, err
}

// isDamage reports whether a store could not be opened for what is in its files, and not for what the system answered.
func isDamage(err error) bool {
	var no syscall.Errno
	return err != nil && (pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) || !errors.As(err, &no))
}

// get returns a copy of a key's value, or nil.
func get(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append(make([]byte, 0, len(value)), value...), nil
}

// within returns the options of an iterator from a key to before another.
func within(from, to []byte) *pebble.IterOptions {
	return &pebble.IterOptions{LowerBound: from, UpperBound: to}
}
