package memory

import (
	"fmt"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

// TestThread finds every retained id and no other, however many there are.
func TestThread(t *testing.T) {
	var th thread
	first, next := uint64(1), uint64(1)
	id := func(seq uint64) string { return fmt.Sprint("evt-", seq) }
	check := func() {
		for seq := first; seq < next; seq++ {
			if en := th.find(id(seq)); en == nil || en.Position.Seq != seq || th.entry(seq) != en {
				t.Fatalf("of %d to %d %d is not found", first, next-1, seq)
			}
		}
		for _, seq := range []uint64{first - 1, next} {
			if en := th.find(id(seq)); en != nil {
				t.Fatalf("of %d to %d %d is found", first, next-1, seq)
			}
		}
		if n := len(th.entries); len(th.marks) > n || len(th.ids) > n {
			t.Fatalf("%d marks and %d ids of %d entries", len(th.marks), len(th.ids), n)
		}
	}
	grow := func(n int) {
		for range n {
			th.append(relay.Entry{Position: relay.Position{Seq: next}, Event: relay.Event{ID: id(next)}})
			next++
			check()
		}
	}
	shrink := func(n int) {
		for range n {
			th.removeFirst()
			first++
			check()
		}
	}
	grow(2 * some)
	shrink(some + 2)
	grow(many)
	shrink(many - 1)
	grow(some)
}
