package disk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestInUse opens a folder that this process has open, by the same name and by another.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	e := must[*Engine](t)(New(Options{Path: filepath.Join(dir, "log"), Log: quiet}))
	defer func() { shut(t, e) }()
	if err := os.Symlink("log", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"log", "link", "../" + filepath.Base(dir) + "/log"} {
		_, err := New(Options{Path: filepath.Join(dir, name), Log: quiet})
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), filepath.Join(dir, "log")) {
			t.Errorf("opened as %s: %v, want ErrInUse with the path", name, err)
		}
	}
	put(t, e, "order-1", "e")
}

// TestInUseElsewhere opens a folder that another process has open, kills that, and opens it again.
func TestInUseElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "TILLBELL_TEST_HOLD="+path)
	other.Stderr = os.Stderr
	out := must[io.ReadCloser](t)(other.StdoutPipe())
	in := must[io.WriteCloser](t)(other.StdinPipe())
	defer in.Close()
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	_, err := New(Options{Path: path, Log: quiet})
	if want := fmt.Sprint("process ", other.Process.Pid); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
		t.Errorf("New = %v, want ErrInUse with %s and the path", err, want)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	e := must[*Engine](t)(New(Options{Path: path, Log: quiet}))
	if log := wholeLog(t, e); len(log) != 1 {
		t.Errorf("what the killed process had stored: %d entries, want 1", len(log))
	}
	shut(t, e)
}

// hold keeps a folder open until the process is killed.
func hold(path string) {
	e, err := New(Options{Path: path, Log: quiet})
	if err == nil {
		_, _, err = e.Append(context.Background(), event("order-1", "e"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// TestWrongFolder opens what cannot be an engine's folder. Each error is one line that says what to do, and nothing is
// changed.
func TestWrongFolder(t *testing.T) {
	write := func(t *testing.T, name, data string) {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, dir string) (path string)
		want string
	}{
		"empty":           {func(*testing.T, string) string { return "" }, "the path is empty"},
		"not a directory": {func(t *testing.T, dir string) string { write(t, dir+"/f", "x"); return dir + "/f" }, "not a directory"},
		"below a file":    {func(t *testing.T, dir string) string { write(t, dir+"/f", "x"); return dir + "/f/log" }, "not a directory"},
		"somebody else's": {func(t *testing.T, dir string) string { write(t, dir+"/base", "x"); return dir }, `holds "base"`},
		"another version": {func(t *testing.T, dir string) string {
			write(t, dir+"/"+nameIdentity, string(identity(2, "abc")))
			return dir
		}, "another version"},
		"no permission": {func(t *testing.T, dir string) string {
			if os.Geteuid() == 0 {
				t.Skip("root may do everything")
			}
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "permission denied"},
		"read-only": {func(t *testing.T, _ string) string {
			dir := mount(t, 16)
			if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return dir
		}, "read-only file system"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := c.make(t, dir)
			before := listing(t, dir)
			_, err := New(Options{Path: path, Log: quiet})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("New = %v, want %q and the path, in one line", err, c.want)
			}
			if now := listing(t, dir); now != before {
				t.Errorf("the folder held\n%s\nand holds\n%s", before, now)
			}
		})
	}
}

func listing(t *testing.T, dir string) string {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, "\n")
}

// TestFolderIsMade opens a path whose parents are not there either.
func TestFolderIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "log")
	e := must[*Engine](t)(New(Options{Path: path, Log: quiet}))
	put(t, e, "order-1", "e")
	shut(t, e)
	if info := must[os.FileInfo](t)(os.Stat(path)); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %v", info.Mode())
	}
}

// TestOpenFull opens an engine on a full disk: an error, not a wait.
func TestOpenFull(t *testing.T) {
	fs := &faulty{FS: vfs.NewMem()}
	shut(t, openOver(t, fs, quiet))
	for _, match := range []string{"", "MANIFEST", ".log", nameBounds} {
		fs.set(func() { fs.write, fs.match = syscall.ENOSPC, match })
		if _, err := New(Options{Path: home, Log: quiet, fs: fs}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("New on a disk that is full for %q: %v, want ENOSPC", match, err)
		}
		fs.set(func() { fs.write = nil })
	}
	shut(t, openOver(t, fs, quiet))
}
