package relay

import (
	"strconv"
	"testing"
)

func TestMemoIsBounded(t *testing.T) {
	var m memo
	for i := range memoSize + 100 {
		m.of(strconv.Itoa(i))
	}
	if len(m.states) != memoSize {
		t.Errorf("%d states are kept, want %d", len(m.states), memoSize)
	}
	last := strconv.Itoa(memoSize + 99)
	if f := m.of(last); m.of(last) != f {
		t.Error("what was asked for last is not kept")
	}
}
