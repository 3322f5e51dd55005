package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/nats"
	"github.com/tillbell/tillbell/relay/engine/nats/embedded"
)

// child starts a node in a process of its own, and returns when it is in the cluster.
func child(t *testing.T, o embedded.Options) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "EMBEDDED_NODE="+o.Name, "EMBEDDED_LISTEN="+o.Listen,
		"EMBEDDED_PEERS="+strings.Join(o.Peers, ","), "EMBEDDED_DIR="+o.Dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "in\n" {
		t.Fatalf("the node says %q, %v", line, err)
	}
	return cmd
}

// appender appends events of payments of its own to an engine until it is stopped, and remembers those that were
// acknowledged.
type appender struct {
	stop  context.CancelFunc
	done  sync.WaitGroup
	acked []string
	last  atomic.Pointer[error] // of an append that failed
	more  chan struct{}         // one for each acknowledgement that somebody waits for
}

func appends(t *testing.T, e relay.Engine, name string) *appender {
	ctx, stop := context.WithCancel(t.Context())
	a := &appender{stop: stop, more: make(chan struct{})}
	a.done.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			id := fmt.Sprint(name, "-", i)
			try, cancel := context.WithTimeout(ctx, 2*time.Second)
			_, _, err := e.Append(try, event(fmt.Sprintf("order-%s-%d", name, i%10), id))
			cancel()
			if err != nil {
				a.last.Store(&err)
				continue
			}
			a.acked = append(a.acked, id)
			select {
			case a.more <- struct{}{}:
			default:
			}
		}
	})
	return a
}

// wait waits for n further acknowledgements.
func (a *appender) wait(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(patience)
	for range n {
		select {
		case <-a.more:
		case <-deadline:
			t.Fatalf("nothing is acknowledged any more: %v", *a.last.Load())
		}
	}
}

// TestKill kills a node while two others append, whether it leads or not, and starts it again: nothing that was
// acknowledged is lost, on any node.
func TestKill(t *testing.T) {
	t.Parallel()
	all, said := options(t, 3), newLog()
	for i := range all {
		all[i].Log = said.logger().With("node", all[i].Name)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(said)
		}
	})
	c := newCluster(t, all)
	third := make(chan *exec.Cmd, 1)
	go func() { third <- child(t, all[2]) }()
	c.start(0, 1)
	victim := <-third

	const stream = "kill"
	engines := []*nats.Engine{c.engine(0, stream, time.Hour), c.engine(1, stream, time.Hour)}
	appenders := []*appender{appends(t, engines[0], "a"), appends(t, engines[1], "b")}
	both := func(n int) {
		for _, a := range appenders {
			a.wait(t, n)
		}
	}
	both(50)
	for range 2 {
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait() // it was killed
		both(50)
		victim = child(t, all[2])
		both(50)
	}
	// A node that stops while the killed one is back: its own appends fail, the other's go on.
	appenders[1].stop()
	appenders[1].done.Wait()
	if err := engines[1].Close(); err != nil {
		t.Error(err)
	}
	c.stopNode(1)
	appenders[0].wait(t, 50)
	appenders[0].stop()
	appenders[0].done.Wait()
	c.start(1)

	again := c.engine(1, stream, time.Hour)
	for node, e := range []*nats.Engine{engines[0], again} {
		stored := make(map[string]int)
		for after := (relay.Position{}); ; {
			entries, err := e.Scan(t.Context(), after, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 0 {
				break
			}
			for _, en := range entries {
				stored[en.Event.ID]++
			}
			after = entries[len(entries)-1].Position
		}
		for _, a := range appenders {
			for _, id := range a.acked {
				if stored[id] != 1 {
					t.Errorf("node %d: %s was acknowledged and is stored %d times", node, id, stored[id])
				}
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	_ = victim.Process.Kill()
	_ = victim.Wait()
}
