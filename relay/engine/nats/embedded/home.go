package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The files of a node's folder beside NATS's own.
const (
	lockFile = "lock"      // locked while a process uses the folder, whose id is in it
	markFile = "node.json" // whose folder it is
)

// mark says whose folder it is.
type mark struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	// Clustered nodes cannot use what a node alone has stored, and would remove it.
	Clustered bool `json:"clustered"`
}

const markVersion = 1

// home is a node's folder while it is in use.
type home struct {
	lock *os.File
}

// openHome takes the folder for the node. It leaves alone what is somebody else's.
func openHome(dir, name string, clustered bool) (*home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, unusable(dir, err)
	}
	marked, foreign := false, false
	for _, e := range entries {
		marked = marked || e.Name() == markFile
		foreign = foreign || !slices.Contains([]string{lockFile, markFile + ".part", "lost+found"}, e.Name())
	}
	if foreign && !marked {
		return nil, fmt.Errorf("%s holds something else; set cluster.dir to an empty folder", dir)
	}
	f, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	h := &home{lock: f}
	if err := claim(dir, mark{Version: markVersion, Name: name, Clustered: clustered}); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func unusable(dir string, err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot use %s: %w; set cluster.dir to a folder that this user can write to", dir, err)
}

var errLocked = errors.New("it is locked")

// takeLock locks the folder until the file is closed, by this process or by its end.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unusable(dir, err)
	}
	if err := lock(f); errors.Is(err, errLocked) {
		owner := ""
		if text, err := io.ReadAll(io.LimitReader(f, 32)); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				owner = fmt.Sprintf(" (pid %d)", pid)
			}
		}
		err = fmt.Errorf("%s is in use by another process%s; stop that one, or set cluster.dir to another folder", dir, owner)
		return nil, errors.Join(err, f.Close())
	} else if err != nil {
		return nil, errors.Join(unusable(dir, err), f.Close())
	}
	if err := errors.Join(f.Truncate(0), write(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(unusable(dir, err), f.Close())
	}
	return f, nil
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// claim marks the folder as the node's, or sees that it is.
func claim(dir string, m mark) error {
	path := filepath.Join(dir, markFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeMark(dir, path, m)
	}
	if err != nil {
		return unusable(dir, err)
	}
	var was mark
	switch err := json.Unmarshal(text, &was); {
	case err != nil:
		return fmt.Errorf("%s is damaged: %w; if the other nodes are well, empty %s and this node is given the log again", path, err, dir)
	case was.Version != markVersion:
		return fmt.Errorf("%s was made by another version of this program: it has version %d, this program reads version %d", dir, was.Version, markVersion)
	case was.Name != m.Name:
		return fmt.Errorf("%s is the folder of the node %q; set cluster.name to that, or cluster.dir to a folder of this node's own", dir, was.Name)
	case was.Clustered && !m.Clustered:
		return fmt.Errorf("%s is the folder of a node with peers; set cluster.peers, or cluster.dir to an empty folder", dir)
	case !was.Clustered && m.Clustered:
		return fmt.Errorf("%s is the folder of a node alone, and what it holds cannot become part of a cluster; set cluster.dir to an empty folder", dir)
	}
	return nil
}

func writeMark(dir, path string, m mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return unusable(dir, err)
	}
	if err := errors.Join(write(f, string(text)+"\n"), f.Sync(), f.Close()); err != nil {
		return unusable(dir, err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return unusable(dir, err)
	}
	return nil
}

// close gives the folder free. It may be called again.
func (h *home) close() error {
	if err := h.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
