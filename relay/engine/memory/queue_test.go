package memory

import (
	"testing"
	"time"
)

// TestQueue fills and empties a queue over the bounds of its blocks.
func TestQueue(t *testing.T) {
	q := queue{first: 1, next: 1}
	next := uint64(1)
	push := func(n int) {
		for range n {
			q.push(place{age: time.Duration(q.next)})
		}
	}
	pop := func(n int) {
		for range n {
			if p := q.pop(); p.age != time.Duration(next) {
				t.Fatalf("popped %d, want %d", p.age, next)
			}
			next++
		}
		for _, seq := range []uint64{q.first, (q.first + q.next) / 2, q.next - 1} {
			if !q.empty() && q.at(seq).age != time.Duration(seq) {
				t.Fatalf("at %d is %d", seq, q.at(seq).age)
			}
		}
		if q.first != next || len(q.blocks) > int(q.next-q.first)/blockLen+2 {
			t.Fatalf("first is %d, want %d; %d blocks for %d places", q.first, next, len(q.blocks), q.next-q.first)
		}
	}
	push(1)
	pop(1)
	push(3*blockLen - 1)
	pop(blockLen + 5)
	push(2)
	pop(blockLen - 5)
	push(blockLen)
	pop(2*blockLen + 1)
	if !q.empty() {
		t.Errorf("%d places are left", q.next-q.first)
	}
}
