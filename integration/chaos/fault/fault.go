//go:build linux

// Package fault hurts the servers of a run and heals them again. A fault is injected again and again with healthy time
// between; what an injection did is undone when it returns, also when its context is done.
package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
)

// A Fault is one kind of harm.
type Fault struct {
	Name string
	// Engines are those that it is for.
	Engines []string
	// Network and Volume say that the site needs one.
	Network, Volume bool
	// Clock says that it moves the clock of the whole machine.
	Clock bool
	// Rest is the healthy time between two injections, and half as much more.
	Rest time.Duration
	// Throttle says that it needs control groups.
	Throttle bool
	// Inject hurts the site and heals it; n counts the injections from 0.
	Inject func(ctx context.Context, s *cluster.Site, n int) error
}

var (
	alone    = []string{cluster.Memory, cluster.Disk}
	clusters = []string{cluster.Embedded, cluster.NATS}
	durable  = []string{cluster.Disk, cluster.Embedded, cluster.NATS}
	all      = []string{cluster.Memory, cluster.Disk, cluster.Embedded, cluster.NATS}
)

// Faults are all there are, in the order in which they are shown.
var Faults = []Fault{
	{Name: "kill", Engines: alone, Rest: 2 * time.Second, Inject: kill},
	{Name: "kill each node", Engines: clusters, Rest: 3 * time.Second, Inject: kill},
	{Name: "kill all nodes", Engines: clusters, Rest: 4 * time.Second, Inject: killAll},
	{Name: "stop and start", Engines: all[1:], Rest: 3 * time.Second, Inject: restart},
	{Name: "pause", Engines: all, Rest: 3 * time.Second, Inject: pause},
	{Name: "partition", Engines: clusters, Network: true, Rest: 5 * time.Second, Inject: partition},
	{Name: "mixed", Engines: clusters, Network: true, Rest: 2 * time.Second, Inject: mixed},
	{Name: "slow disk", Engines: durable, Volume: true, Throttle: true, Rest: 3 * time.Second, Inject: slow},
	{Name: "stalled disk", Engines: durable, Volume: true, Rest: 2 * time.Second, Inject: stall},
	{Name: "full disk", Engines: durable, Volume: true, Rest: 4 * time.Second, Inject: fill},
	{Name: "clock steps", Engines: all, Clock: true, Rest: 3 * time.Second, Inject: clock},
}

// Missing reports why the fault cannot be injected here; inside says whether the program has namespaces of its own.
func (f *Fault) Missing(inside, clock bool) error {
	root := os.Geteuid() == 0
	switch {
	case f.Clock && !clock:
		return errors.New("needs -clock: it moves the clock of the whole machine")
	case (f.Network || f.Volume || f.Clock) && !root:
		return errors.New("needs root")
	case (f.Network || f.Volume) && !inside:
		return errors.New("needs ip(8), and namespaces")
	}
	if f.Volume {
		for _, tool := range []string{"mkfs.ext4", "mount"} {
			if _, err := exec.LookPath(tool); err != nil {
				return fmt.Errorf("needs %s", tool)
			}
		}
	}
	if f.Throttle {
		return cluster.Throttles()
	}
	return nil
}

// For returns the faults for an engine: those of the names, all for none.
func For(engine string, names []string) []Fault {
	var some []Fault
	for _, f := range Faults {
		if slices.Contains(f.Engines, engine) && (len(names) == 0 || slices.Contains(names, f.Name)) {
			some = append(some, f)
		}
	}
	return some
}

// Names returns the names of all faults.
func Names() []string {
	var names []string
	for _, f := range Faults {
		names = append(names, f.Name)
	}
	return names
}

// Run injects the fault until ctx is done, and at least once. note is called with the start and the end of each
// injection. The error is an injection that failed or a site that did not recover from it.
func (f *Fault) Run(ctx context.Context, s *cluster.Site, note func(from, to time.Time)) error {
	for n := 0; n == 0 || ctx.Err() == nil; n++ {
		from := time.Now()
		err := f.Inject(ctx, s, n)
		note(from, time.Now())
		if err != nil {
			return fmt.Errorf("fault: %s: %w", f.Name, err)
		}
		if ready := s.Ready(context.WithoutCancel(ctx)); ready != nil {
			return fmt.Errorf("fault: after %s: %w", f.Name, ready)
		}
		sleep(ctx, f.Rest+rand.N(f.Rest/2))
	}
	return nil
}

// sleep returns early if ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
