package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestRealFullDisk fills a real file system, first by something else, then by the log itself, which expires.
func TestRealFullDisk(t *testing.T) {
	dir := mount(t, 64)
	var s said
	const retention = 2 * time.Second
	e := must[*Engine](t)(New(Options{Path: filepath.Join(dir, "log"), Retention: retention, Log: s.log(), memory: 1 << 20}))
	defer func() { shut(t, e) }()
	first := put(t, e, "order-0", "e")

	filler := filepath.Join(dir, "filler")
	f := must[*os.File](t)(os.Create(filler))
	var err error
	for err == nil {
		_, err = f.Write(make([]byte, 64<<10))
	}
	f.Close()
	if _, _, err := e.Append(context.Background(), event("order-0", "f")); !errors.Is(err, ErrFull) {
		t.Fatalf("Append on a full disk: %v, want ErrFull", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	roomy(e)
	if again, _, err := e.Append(context.Background(), event("order-0", "e")); err != nil {
		t.Fatalf("Append when there is space again: %v after %v", err, first.Position)
	} else if again.Position != first.Position && again.Position.Seq < 2 {
		t.Errorf("a repeat at %v, the first at %v", again.Position, first.Position)
	}

	if err := os.WriteFile(filler, make([]byte, 30<<20), 0o600); err != nil { // it has to become full before it expires
		t.Fatal(err)
	}
	large := noise(200 << 10)
	for i, full := 0, false; !full; i++ {
		ev := event(fmt.Sprint("order-", i), "e")
		ev.TransactionID = large
		_, _, err := e.Append(context.Background(), ev)
		if full = errors.Is(err, ErrFull); err != nil && !full {
			t.Fatal(err)
		}
	}
	roomy(e)
	put(t, e, "order-last", "e")
}

// noise returns text that cannot be compressed.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

// roomy waits until the disk has space.
func roomy(e *Engine) {
	<-e.guard.Space()
}

// mount mounts a file system of some megabytes.
func mount(t *testing.T, mb int) string {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" && os.Geteuid() == 0 {
		skip = t.Fatalf
	}
	if os.Geteuid() != 0 {
		skip("mounting needs root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", mb), "tmpfs", dir).CombinedOutput(); err != nil {
		skip("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}
