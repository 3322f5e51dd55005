package embedded_test

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestLostFolder gives a node the log again that lost its folder, and then does without one of the others.
func TestLostFolder(t *testing.T) {
	t.Parallel()
	c := newCluster(t, options(t, 3))
	c.start()
	e := c.engine(0, "lost", time.Hour)
	const events = 20
	for i := range events {
		if _, _, err := e.Append(t.Context(), event("order-1", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	c.stopNode(2)
	if err := os.RemoveAll(c.options[2].Dir); err != nil {
		t.Fatal(err)
	}
	c.start(2)
	c.stopNode(0)
	e = c.engine(2, "lost", time.Hour)
	defer e.Close()
	if log, err := e.Read(t.Context(), "order-1"); err != nil || len(log) != events {
		t.Errorf("%d entries of %d are left, error %v", len(log), events, err)
	}
	if _, stored, err := e.Append(t.Context(), event("order-1", "0")); stored || err != nil {
		t.Errorf("a known id was stored again: %v, error %v", stored, err)
	}
}
