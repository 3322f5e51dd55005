package embedded_test

import (
	"context"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay/engine/nats/embedded"
)

// TestRetain holds that a node with a shorter retention takes nothing away, and that one with a longer one raises it.
func TestRetain(t *testing.T) {
	c := newCluster(t, options(t, 1))
	c.start()
	defer c.engine(0, "TILLBELL", 2*time.Hour).Close()
	for _, step := range []struct{ asked, want time.Duration }{{time.Minute, 2 * time.Hour}, {3 * time.Hour, 3 * time.Hour}, {time.Hour, 3 * time.Hour}} {
		kept, replicas, err := c.nodes[0].Retain(t.Context(), "TILLBELL", step.asked)
		if kept != step.want || replicas != 1 || err != nil {
			t.Errorf("asked for %v it keeps %v at %d nodes, error %v; want %v", step.asked, kept, replicas, err, step.want)
		}
	}
	if kept, replicas, err := c.nodes[0].Retain(t.Context(), "NONE", time.Minute); kept != time.Minute || replicas != 1 || err != nil {
		t.Errorf("without a stream: %v, %d, %v", kept, replicas, err)
	}
}

// TestStranger gives a node of another cluster with the same secret the address of one of these: it is not let in, and
// the cluster keeps what it has.
func TestStranger(t *testing.T) {
	l := newLog()
	all := options(t, 3)
	all[0].Log = l.logger()
	c := newCluster(t, all)
	c.start()
	e := c.engine(0, "TILLBELL", time.Hour)
	defer e.Close()
	if _, _, err := e.Append(t.Context(), event("order-1", "e")); err != nil {
		t.Fatal(err)
	}
	other := options(t, 3)
	wrong := other[2]
	wrong.Name, wrong.Peers = "x", []string{wrong.Listen, all[0].Listen, other[0].Listen}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if n, err := embedded.Start(ctx, wrong); err == nil {
		_ = n.Stop(t.Context())
		t.Error("the stranger is in")
	}
	l.wait(t, "is not let in")
	if got, err := e.Read(t.Context(), "order-1"); len(got) != 1 || err != nil {
		t.Errorf("Read: %v, %v", got, err)
	}
}
