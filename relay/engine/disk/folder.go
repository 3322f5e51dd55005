package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Names in the engine's folder.
const (
	nameIdentity = "TILLBELL" // says whose folder it is, and of which version and epoch
	nameLock     = "lock"     // held as long as the engine is open
	namePID      = "pid"      // the process that holds the lock
	nameStore    = "store"
	nameMended   = "store.mended" // a store that is being copied out of a damaged one
	nameDamaged  = "damaged-"     // what was set aside, with the time
	nameBounds   = "bounds"
)

// version is that of the folder, with all that is in it.
const version = 1

// ErrInUse says that another engine has the folder open.
var ErrInUse = errors.New("in use")

// folder is the engine's folder, locked.
type folder struct {
	fs    vfs.FS
	path  string
	lock  io.Closer
	epoch string
	log   *slog.Logger
}

// openFolder makes the folder if it is not there, and locks it. It changes nothing in a folder that is not the
// engine's.
func openFolder(fs vfs.FS, path string, log *slog.Logger) (*folder, error) {
	f := &folder{fs: fs, path: path, log: log}
	if path == "" {
		return nil, errors.New("the path is empty: write it behind the colon, as in disk:/var/lib/tillbell")
	}
	if err := f.own(); err != nil {
		return nil, err
	}
	if err := f.take(); err != nil {
		return nil, err
	}
	if err := f.identify(); err != nil {
		f.lock.Close()
		return nil, err
	}
	return f, nil
}

func (f *folder) join(name string) string { return f.fs.PathJoin(f.path, name) }

// private makes the directory for this user alone. The folder itself may be somebody else's to decide on (a mounted
// volume), and the store's files are made with what the umask leaves of 0666.
func (f *folder) private(name string) error {
	if f.fs != vfs.Default {
		return f.fs.MkdirAll(f.join(name), 0o700)
	}
	return errors.Join(os.MkdirAll(f.join(name), 0o700), os.Chmod(f.join(name), 0o700))
}

func (f *folder) has(name string) bool {
	_, err := f.fs.Stat(f.join(name))
	return err == nil
}

// own makes sure that the folder is there, and the engine's or empty.
func (f *folder) own() error {
	info, err := f.fs.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.make(f.path)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("it is not a directory: choose the path of a folder")
	}
	names, err := f.fs.List(f.path)
	if err != nil {
		return err
	}
	if slices.Contains(names, nameIdentity) {
		return f.checkVersion()
	}
	if slices.Contains(names, nameBounds) && slices.Contains(names, nameStore) {
		return nil // its identity is lost; the store has the epoch as well
	}
	for _, name := range names {
		switch strings.TrimSuffix(name, ".tmp") {
		case nameLock, namePID, nameIdentity, "lost+found": // left when it was made, or the file system's
		default:
			return fmt.Errorf("it holds %q, which is not Tillbell's: choose an empty folder", name)
		}
	}
	return nil
}

// checkVersion refuses a folder of another version.
func (f *folder) checkVersion() error {
	data, err := f.read(nameIdentity)
	if err != nil {
		return err
	}
	// The first line alone: what follows it is the other version's.
	var v int
	if n, _ := fmt.Sscanf(string(data), "tillbell disk engine %d\n", &v); n == 1 && v > version {
		return fmt.Errorf("it was written by another version of Tillbell (folder version %d, this program has %d): start that one, or choose an empty folder", v, version)
	}
	return nil
}

// make makes a directory and its parents, durably.
func (f *folder) make(dir string) error {
	parent := f.fs.PathDir(dir)
	if _, err := f.fs.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := f.make(parent); err != nil {
			return err
		}
	}
	if err := f.fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return f.syncDir(parent)
}

// take locks the folder. The system gives the lock back when the process ends, however it does.
func (f *folder) take() error {
	lock, err := f.fs.Lock(f.join(nameLock))
	switch {
	case err == nil:
		f.lock = lock
		if err := f.replace(namePID, []byte(strconv.Itoa(os.Getpid())+"\n")); err != nil {
			return errors.Join(err, lock.Close())
		}
		return nil
	case isRefused(err):
		return err
	}
	holder := "another process"
	if data, err := f.read(namePID); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			holder = fmt.Sprintf("process %d", pid)
		}
	}
	return fmt.Errorf("%w by %s: a folder belongs to one process, so stop that one or give this one a folder of its own", ErrInUse, holder)
}

// isRefused reports whether the file system does not let the folder be written.
func isRefused(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path)
}

// identify reads the identity, or writes one.
func (f *folder) identify() error {
	if !f.has(nameIdentity) {
		f.epoch = newEpoch()
		return f.replace(nameIdentity, identity(version, f.epoch))
	}
	data, err := f.read(nameIdentity)
	if err != nil {
		return err
	}
	if _, f.epoch, err = parseIdentity(data); err != nil { // the epoch is in the store as well
		f.log.Error("identity of the folder is damaged and is written anew", "path", f.path, "file", nameIdentity)
	}
	return nil
}

func newEpoch() string { return strings.ToLower(rand.Text()[:10]) }

// identity is a text file: what it is, the epoch and a checksum.
func identity(version int, epoch string) []byte {
	text := fmt.Sprintf("tillbell disk engine %d\nepoch %s\n", version, epoch)
	return fmt.Appendf(nil, "%ssum %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseIdentity(data []byte) (version int, epoch string, err error) {
	var sum uint32
	n, err := fmt.Sscanf(string(data), "tillbell disk engine %d\nepoch %s\nsum %x\n", &version, &epoch, &sum)
	if n != 3 || err != nil || string(identity(version, epoch)) != string(data) {
		return 0, "", fmt.Errorf("identity: %w", errDamaged)
	}
	return version, epoch, nil
}

// bounds say how far the log may reach, whatever else is lost.
type bounds struct {
	reserved uint64 // no higher sequence was given to anybody
	closed   uint64 // where the log ended when it was closed, 0 while it is open
}

// leap is how many sequences are reserved at once.
const leap = 1 << 20

func (b bounds) text() []byte {
	text := fmt.Sprintf("reserved %d\nclosed %d\n", b.reserved, b.closed)
	return fmt.Appendf(nil, "%ssum %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseBounds(data []byte) (b bounds, err error) {
	var sum uint32
	n, err := fmt.Sscanf(string(data), "reserved %d\nclosed %d\nsum %x\n", &b.reserved, &b.closed, &sum)
	if n != 3 || err != nil || string(b.text()) != string(data) {
		return bounds{}, fmt.Errorf("bounds: %w", errDamaged)
	}
	return b, nil
}

// bounds reads the bounds. None, or damaged ones, say nothing.
func (f *folder) bounds() bounds {
	data, err := f.read(nameBounds)
	if err != nil {
		return bounds{}
	}
	b, err := parseBounds(data)
	if err != nil {
		f.log.Error("bounds of the log are damaged and are written anew", "path", f.path, "file", nameBounds)
	}
	return b
}

func (f *folder) read(name string) ([]byte, error) {
	file, err := f.fs.Open(f.join(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// replace writes a small file so that after a power loss it is there as a whole, or as it was.
func (f *folder) replace(name string, data []byte) error {
	temp := f.join(name + ".tmp")
	file, err := f.fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = file.Write(data); err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := f.fs.Rename(temp, f.join(name)); err != nil {
		return err
	}
	return f.syncDir(f.path)
}

func (f *folder) syncDir(path string) error {
	dir, err := f.fs.OpenDir(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if e := dir.Close(); err == nil {
		err = e
	}
	return err
}

// absolute returns the one name of a path, as far as it exists.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	}
	return path, nil
}
