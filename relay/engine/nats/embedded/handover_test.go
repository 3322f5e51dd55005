package embedded_test

import (
	"context"
	"testing"
	"time"
)

// TestHandOver makes the node that leads give up what it leads while it still runs, to a node that leads from then on.
func TestHandOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t, options(t, 3))
	c.start()
	e := c.engine(0, "given", time.Hour)
	defer e.Close()
	for round := range 3 {
		if _, _, err := e.Append(t.Context(), event("order-1", string(rune('a'+round)))); err != nil {
			t.Fatal(err)
		}
		leader := -1
		for i, node := range c.nodes {
			if node.Leads("given") {
				leader = i
			}
		}
		if leader < 0 {
			t.Fatal("a stream that was just written to has no leader")
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		for c.nodes[leader].Leads("given") && ctx.Err() == nil {
			c.nodes[leader].HandOver(ctx) // which gives up on a machine that is busy
		}
		cancel()
		if c.nodes[leader].Leads("given") {
			t.Fatalf("node %d goes on to lead", leader)
		}
	}
}
