package disk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

func openFaulty(t *testing.T, s *said) (*Engine, *faulty, *vfs.MemFS) {
	below := vfs.NewCrashableMem()
	fs := &faulty{FS: below}
	return openOver(t, fs, s.log()), fs, below
}

// holds opens what would be left after a power loss and sees that it has the entries.
func holds(t *testing.T, fs *vfs.MemFS, acked []relay.Entry) {
	t.Helper()
	e := openOver(t, fs.CrashClone(vfs.CrashCloneCfg{}), quiet)
	defer shut(t, e)
	log := wholeLog(t, e)
	for i, en := range acked {
		if i >= len(log) || log[i] != en {
			t.Fatalf("of %d acknowledged entries %d are there, %+v is not", len(acked), len(log), en)
		}
	}
}

// TestDiskFull fills the disk and empties it. Meanwhile appends fail at once, reads go on, and it is said twice.
func TestDiskFull(t *testing.T) {
	var s said
	e, fs, below := openFaulty(t, &s)
	var acked []relay.Entry
	for i := range 10 {
		acked = append(acked, put(t, e, "order-1", fmt.Sprint("before-", i)))
	}
	for spell := range 3 {
		fs.set(func() { fs.write = syscall.ENOSPC })
		for i := range 20 {
			if _, _, err := e.Append(context.Background(), event("order-1", fmt.Sprint(spell, "-", i))); !errors.Is(err, ErrFull) {
				t.Fatalf("Append on a full disk: %v, want ErrFull", err)
			}
		}
		if got := must[[]relay.Entry](t)(e.Read(context.Background(), "order-1")); len(got) < len(acked) {
			t.Errorf("Read on a full disk has %d entries, want %d", len(got), len(acked))
		}
		fs.set(func() { fs.write = nil })
		roomy(e)
		if n := strings.Count(s.String(), "disk full"); n != spell+1 {
			t.Errorf("%d times it was said that the disk is full:\n%s", n, s.String())
		}
		en, _, err := e.Append(context.Background(), event("order-1", fmt.Sprint(spell, "-", 0))) // a retry
		if err != nil {
			t.Fatalf("Append when there is space again: %v", err)
		}
		acked = must[[]relay.Entry](t)(e.Read(context.Background(), "order-1"))
		if last := acked[len(acked)-1]; en.Position.Compare(last.Position) > 0 {
			t.Errorf("Append returned %v, Read ends at %v", en.Position, last.Position)
		}
	}
	shut(t, e)
	if n := strings.Count(s.String(), "space again"); n != 3 || !strings.Contains(s.String(), home) {
		t.Errorf("said:\n%s", s.String())
	}
	holds(t, below, acked)
}

// TestCloseFull closes an engine while the disk is full.
func TestCloseFull(t *testing.T) {
	var s said
	e, fs, below := openFaulty(t, &s)
	acked := []relay.Entry{put(t, e, "order-1", "e")}
	fs.set(func() { fs.write = syscall.ENOSPC })
	if _, _, err := e.Append(context.Background(), event("order-1", "f")); !errors.Is(err, ErrFull) {
		t.Fatalf("Append on a full disk: %v, want ErrFull", err)
	}
	shut(t, e)
	holds(t, below, acked)
}

// TestTablesFull lets only what the store merges meet the full disk.
func TestTablesFull(t *testing.T) {
	var s said
	e, fs, below := openFaulty(t, &s)
	acked := []relay.Entry{put(t, e, "order-1", "e")}
	fs.set(func() { fs.write, fs.match = syscall.ENOSPC, ".sst" })
	flushed := must[<-chan struct{}](t)(e.db.AsyncFlush())
	<-e.guard.Full()
	fs.set(func() { fs.write = nil })
	<-flushed
	roomy(e)
	acked = append(acked, put(t, e, "order-1", "f"))
	shut(t, e)
	holds(t, below, acked)
}

// TestSyncFails fails a sync: nothing is acknowledged any more, until the engine is opened anew.
func TestSyncFails(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, match := range []string{".log", ""} {
			var s said
			e, fs, below := openFaulty(t, &s)
			acked := []relay.Entry{put(t, e, "order-1", "e")}
			fs.set(func() { fs.sync, fs.match = fault, match })
			for range 3 {
				if _, _, err := e.Append(context.Background(), event("order-1", "f")); !errors.Is(err, ErrStopped) || !errors.Is(err, fault) {
					t.Fatalf("Append after a failed sync: %v, want ErrStopped and %v", err, fault)
				}
				fs.set(func() { fs.sync = nil })
			}
			_, err := e.Head(context.Background())
			_, err2 := e.Read(context.Background(), "order-1")
			_, err3 := e.Scan(context.Background(), relay.Position{}, 1)
			err4 := e.Tail(context.Background(), relay.Position{}, func(relay.Entry) {})
			for _, err := range []error{err, err2, err3, err4} {
				if !errors.Is(err, ErrStopped) {
					t.Errorf("after a failed sync: %v, want ErrStopped", err)
				}
			}
			if err := e.Close(); !errors.Is(err, ErrStopped) {
				t.Errorf("Close: %v, want ErrStopped", err)
			}
			if n := strings.Count(s.String(), "level=ERROR"); n != 1 || !strings.Contains(s.String(), home) {
				t.Errorf("said:\n%s", s.String())
			}
			holds(t, below, acked)
		}
	}
}

// TestDiskHangs lets a sync hang: an Append ends with its context, and one that comes later too.
func TestDiskHangs(t *testing.T) {
	var s said
	e, fs, below := openFaulty(t, &s)
	acked := []relay.Entry{put(t, e, "order-1", "e")}
	hang := make(chan struct{})
	fs.set(func() { fs.hang = hang })
	for i := range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if _, _, err := e.Append(ctx, event("order-1", fmt.Sprint("f-", i))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Append while the disk hangs: %v, want its context's error", err)
		}
		cancel()
	}
	if got := must[[]relay.Entry](t)(e.Read(context.Background(), "order-1")); len(got) != 1 {
		t.Errorf("Read shows %d entries, of which one is durable", len(got))
	}
	if p := must[relay.Position](t)(e.Head(context.Background())); p != acked[0].Position {
		t.Errorf("Head = %v before it is durable", p)
	}
	fs.set(func() { fs.hang = nil })
	close(hang)
	if en, _, err := e.Append(context.Background(), event("order-1", "g")); err != nil || en.Position.Seq < 2 {
		t.Errorf("Append afterwards = %v, error %v", en.Position, err)
	}
	shut(t, e)
	holds(t, below, acked)
}

// TestGivenUp has callers give up while a sync hangs: nothing of them is kept.
func TestGivenUp(t *testing.T) {
	fs := &faulty{FS: vfs.NewMem()}
	e := must[*Engine](t)(New(Options{Path: home, Log: quiet, fs: fs}))
	hang := make(chan struct{})
	fs.set(func() { fs.hang, fs.match = hang, ".log" })
	for i := range 300 {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Microsecond)
		_, _, err := e.Append(ctx, event(fmt.Sprint("order-", i), "e"))
		cancel()
		if err == nil {
			t.Fatal("an event is stored while the disk hangs")
		}
	}
	e.waiting.mu.Lock()
	kept := len(e.waiting.requests)
	e.waiting.mu.Unlock()
	if kept > 0 {
		t.Errorf("%d events of callers that gave up are kept", kept)
	}
	close(hang)
	shut(t, e)
}
