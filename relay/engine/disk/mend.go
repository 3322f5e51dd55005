package disk

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay/engine/disk/internal/guard"
)

// openWhole opens the store. If there is damage, it opens what could be copied out of it.
func (e *Engine) openWhole() error {
	if err := e.finishMending(); err != nil {
		return err
	}
	err := e.openChecked()
	if isDamage(err) {
		if err = e.mend(err); err == nil {
			err = e.openChecked()
		}
	}
	if err != nil {
		return err
	}
	if err := e.reidentify(); err != nil {
		return errors.Join(err, e.db.Close())
	}
	return nil
}

// finishMending goes on where a mending was interrupted.
func (e *Engine) finishMending() error {
	f := e.folder
	switch {
	case !f.has(nameMended):
		return nil
	case f.has(nameStore): // the copy is not whole
		return f.fs.RemoveAll(f.join(nameMended))
	}
	return errors.Join(f.fs.Rename(f.join(nameMended), f.join(nameStore)), f.syncDir(f.path))
}

// reidentify writes an identity that was damaged.
func (e *Engine) reidentify() error {
	if e.folder.epoch == e.epoch {
		return nil
	}
	e.folder.epoch = e.epoch
	return e.folder.replace(nameIdentity, identity(version, e.epoch))
}

// openChecked opens the store, reads where the log is, and sees that everything that lies in the folder is in it.
func (e *Engine) openChecked() error {
	fs, dir := e.folder.fs, e.folder.join(nameStore)
	var names []string
	var groups []span
	var err error
	if e.folder.has(nameStore) {
		if names, err = fs.List(dir); err == nil {
			groups, err = logged(fs, dir)
		}
		if err != nil {
			return err
		}
	}
	given := e.folder.bounds()
	if err := e.folder.private(nameStore); err != nil {
		return err
	}
	e.guard = guard.New(fs, e.folder.path, e.log)
	e.db, err = openStore(dir, storeOptions(e.guard, e.log, e.memory), e.guard)
	if err != nil {
		e.guard.Settle(false)
		return err
	}
	if err = e.check(names, groups); err == nil && len(names) == 0 && given.reserved > 0 {
		e.log.Error("the store is missing: nothing of the log is left", "path", e.folder.path, "last", given.closed)
		err = e.skip(span{1, max(given.reserved, given.closed)})
	}
	if err == nil {
		err = e.checkEnd()
	}
	e.guard.Settle(err == nil)
	if cause := e.guard.Cause(); cause != nil {
		_ = e.db.Close()
		return cause
	}
	if err != nil {
		return errors.Join(err, e.db.Close())
	}
	return nil
}

// mend copies what is whole out of a damaged store into a fresh one, and sets the damaged files aside.
func (e *Engine) mend(damage error) error {
	f := e.folder
	begun := !f.has(nameBounds) // then the store may never have been whole: nothing was appended
	if !begun {
		e.log.Error("the store is damaged: what is whole is kept", "path", f.path, "error", firstLine(damage))
	}
	fresh := guard.New(f.fs, f.path, e.log)
	fresh.Settle(true)
	if err := f.private(nameMended); err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	db, err := openStore(f.join(nameMended), storeOptions(fresh, e.log, e.memory), fresh)
	if err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	s := salvage{fs: f.fs, dir: f.join(nameStore), to: db, fallback: f.epoch}
	err = s.copy(f.bounds().reserved)
	if err == nil {
		err = db.Flush()
	}
	if err = errors.Join(err, db.Close(), fresh.Cause()); err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	aside, err := e.setAside(&s)
	if err != nil {
		return fmt.Errorf("mend: %w", err)
	}
	if begun && s.seen == 0 {
		return f.fs.RemoveAll(f.join(aside))
	}
	e.log.Error("the store was mended", "path", f.path, "damaged", strings.Join(s.damaged, ", "), "set_aside", aside,
		"entries", s.entries, "missing", s.missing, "next", s.end.last+1)
	return nil
}

// setAside puts the mended store in the place of the damaged one, whose damaged files it keeps.
func (e *Engine) setAside(s *salvage) (aside string, err error) {
	f := e.folder
	for n := 0; ; n++ {
		aside = nameDamaged + time.Now().UTC().Format("20060102-150405")
		if n > 0 {
			aside += fmt.Sprintf("-%d", n)
		}
		if !f.has(aside) {
			break
		}
	}
	if err := f.syncDir(f.path); err != nil {
		return "", err
	}
	if err := f.fs.Rename(f.join(nameStore), f.join(aside)); err != nil {
		return "", err
	}
	if err := f.fs.Rename(f.join(nameMended), f.join(nameStore)); err != nil {
		return "", err
	}
	if err := f.syncDir(f.path); err != nil {
		return "", err
	}
	for _, name := range s.whole {
		if err := f.fs.Remove(f.fs.PathJoin(f.join(aside), name)); err != nil {
			return "", err
		}
	}
	return aside, nil
}

// firstLine returns the first line of an error's text: the store's errors may carry a stack.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
