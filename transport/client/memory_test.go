package client

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{places: make(map[string]place)}
		for i := range 2 * memorySize {
			m.keep(fmt.Sprint(i), "ws")
			time.Sleep(time.Second)
		}
		if len(m.places) != memorySize {
			t.Errorf("%d servers are remembered, want %d", len(m.places), memorySize)
		}
		if first, last := m.recall("0"), m.recall(fmt.Sprint(2*memorySize-1)); first != "" || last != "ws" {
			t.Errorf("the first is %q and the last %q", first, last)
		}
		time.Sleep(memoryTime)
		if got := m.recall(fmt.Sprint(2*memorySize - 1)); got != "" {
			t.Errorf("%q is remembered for more than %v", got, memoryTime)
		}
	})
}

func TestMemoryIsShared(t *testing.T) {
	m := memory{places: make(map[string]place)}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				m.keep(fmt.Sprint(i%3), "poll")
				m.recall(fmt.Sprint((i + 1) % 3))
			}
		})
	}
	all.Wait()
	if got := m.recall("1"); got != "poll" {
		t.Errorf("recalled %q", got)
	}
}
