package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// check compares the store with the files that were there before it was opened.
func (e *Engine) check(names []string, groups []span) error {
	if len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { _, ok := logNumber(name); return ok }) {
		return fmt.Errorf("the log files are missing: %w", errDamaged)
	}
	if err := e.load(); err != nil {
		return err
	}
	live, err := e.checkTables()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") && !live[name] {
			if err := e.checkLeft(name); err != nil {
				return err
			}
		}
	}
	return e.checkLogged(groups)
}

// checkLogged sees that the store has what its log files held. Of the last group it is not known that it was synced.
func (e *Engine) checkLogged(groups []span) error {
	if len(groups) == 0 {
		return nil
	}
	synced := groups[len(groups)-1].first - 1
	it, err := e.db.NewIter(within([]byte{kindEntry}, []byte{kindEntry + 1}))
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	for _, g := range groups {
		ok := false
		for seq := max(g.first, e.first.Load()); seq <= min(g.last, synced); seq++ {
			if !ok {
				ok = it.SeekGE(entryKey(seq))
			} else {
				ok = it.Next()
			}
			if !ok || !bytes.Equal(it.Key(), entryKey(seq)) {
				return errors.Join(fmt.Errorf("entry %d was logged and is missing: %w", seq, errDamaged), it.Error())
			}
		}
	}
	if head := e.end.head(); head < synced {
		return fmt.Errorf("entries up to %d were logged, the log ends at %d: %w", synced, head, errDamaged)
	}
	return nil
}

// checkLeft sees that the store has what is in a table that it does not know: it was merged into others, or what knew
// of it was lost. A table that is not whole was never finished.
func (e *Engine) checkLeft(name string) error {
	r, err := openTable(e.folder.fs, e.folder.fs.PathJoin(e.folder.join(nameStore), name))
	if err != nil {
		return nil
	}
	defer r.Close()
	it, err := r.NewIter(block.NoTransforms, []byte{kindEntry}, []byte{kindEntry + 1}, sstable.AssertNoBlobHandles)
	if err != nil {
		return nil
	}
	defer it.Close()
	has, err := e.db.NewIter(within([]byte{kindEntry}, []byte{kindEntry + 1}))
	if err != nil {
		return err
	}
	defer func() { _ = has.Close() }()
	ok := false
	for kv := it.SeekGE(entryKey(e.first.Load()), 0); kv != nil; kv = it.Next() {
		key := kv.K.UserKey
		if ok = ok && has.Next() && bytes.Equal(has.Key(), key); ok { // both go in step
			continue
		}
		if ok = has.SeekGE(key) && bytes.Equal(has.Key(), key); !ok {
			return errors.Join(fmt.Errorf("%s: the store does not know of it: %w", name, errDamaged), has.Error())
		}
	}
	return nil
}

// checked is how many bytes of tables are read at the start, the newest first.
const checked = 1 << 30

// checkTables reads the tables that the store knows, compares their checksums, and returns their names.
func (e *Engine) checkTables() (live map[string]bool, err error) {
	levels, err := e.db.SSTables()
	if err != nil {
		return nil, err
	}
	live = make(map[string]bool)
	tables := slices.Concat(levels...)
	slices.SortFunc(tables, func(a, b pebble.SSTableInfo) int { return int(b.BackingSSTNum) - int(a.BackingSSTNum) })
	var sum uint64
	for _, t := range tables {
		name := fmt.Sprintf("%06d.sst", uint64(t.BackingSSTNum))
		if live[name] = true; sum > checked {
			continue
		}
		sum += t.Size
		if err := checkTable(e.folder.fs, e.folder.fs.PathJoin(e.folder.join(nameStore), name)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return live, nil
}

func checkTable(fs vfs.FS, name string) error {
	r, err := openTable(fs, name)
	if err != nil {
		return err
	}
	return errors.Join(r.ValidateBlockChecksums(), r.Close())
}

func openTable(fs vfs.FS, name string) (*sstable.Reader, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := (&pebble.Options{}).MakeReaderOptions()
	r, err := sstable.NewReader(context.Background(), readable, o)
	if err != nil {
		return nil, errors.Join(err, readable.Close())
	}
	return r, nil
}

// checkEnd compares the log's end with where it was when it was closed, and lets it go on.
func (e *Engine) checkEnd() error {
	b, head := e.folder.bounds(), e.end.head()
	if b.closed > head {
		e.log.Error("entries are missing at the end of the log", "path", e.folder.path, "missing", b.closed-head, "last", b.closed)
		if err := e.skip(span{head + 1, b.closed}); err != nil {
			return err
		}
	}
	return e.reserve(e.end.head())
}

// reserve makes sure that the sequences up to last, and some more, are known to be given.
func (e *Engine) reserve(last uint64) error {
	if last < e.reserved {
		return nil
	}
	b := bounds{reserved: last + leap}
	if err := e.folder.replace(nameBounds, b.text()); err != nil {
		return err
	}
	e.reserved = b.reserved
	return nil
}

// skip lets the log go on behind a hole.
func (e *Engine) skip(hole span) error {
	b := e.db.NewBatch()
	defer b.Close()
	err := errors.Join(
		b.Set(keyHole, hole.bytes(), nil),
		b.Set(keyMark, e.clock.mark(hole.last).bytes(), nil),
	)
	if err = errors.Join(err, b.Commit(pebble.Sync)); err == nil {
		e.end.start(hole.last)
	}
	return err
}
