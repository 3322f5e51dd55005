package disk

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tillbell/tillbell/relay"
)

// TestCacheHasRoomForBlocks fills tables in memory, which the store takes off the cache: a block that was just read is still
// there.
func TestCacheHasRoomForBlocks(t *testing.T) {
	e := must[*Engine](t)(New(Options{Path: home, Log: quiet, fs: vfs.NewMem()}))
	defer func() { shut(t, e) }()
	put(t, e, "order-1", "e")
	for i := range 48 {
		if err := e.db.Set(fmt.Appendf(nil, "%c%d", kindMeta, i), []byte(noise(1<<20)), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.db.Flush(); err != nil {
		t.Fatal(err)
	}
	before := e.db.Metrics().BlockCache
	for range 20 {
		if got := must[[]relay.Entry](t)(e.Read(context.Background(), "order-1")); len(got) != 1 {
			t.Fatal(got)
		}
	}
	after := e.db.Metrics().BlockCache
	if hits, misses := after.Hits-before.Hits, after.Misses-before.Misses; hits < misses {
		t.Errorf("of the blocks that were read, %d were in the cache and %d were not", hits, misses)
	}
}
