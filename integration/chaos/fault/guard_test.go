//go:build linux

package fault

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
)

func TestGuardRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"freeze", "/nowhere"}, {"freeze", "/nowhere", "soon"}, {"freeze", "/nowhere", "1ms"},
		{"clock", "x", "1ms"}, {"sleep", "x", "1ms"}} {
		if err := Guard(args, strings.NewReader("")); err == nil {
			t.Errorf("guard %q does not refuse", args)
		}
	}
}

func TestFor(t *testing.T) {
	for _, engine := range []string{cluster.Memory, cluster.Disk, cluster.Embedded, cluster.NATS} {
		if len(For(engine, nil)) < 3 {
			t.Errorf("%s has %d faults", engine, len(For(engine, nil)))
		}
		for _, f := range For(engine, []string{"pause"}) {
			if f.Name != "pause" {
				t.Errorf("%s: %s", engine, f.Name)
			}
		}
	}
	names := Names()
	if slices.Sort(names); len(slices.Compact(names)) != len(Faults) {
		t.Error("two faults have the same name")
	}
}

func TestMissing(t *testing.T) {
	for _, f := range Faults {
		if err := f.Missing(false, false); (err != nil) != (f.Network || f.Volume || f.Clock) {
			t.Errorf("%s without namespaces and leave: %v", f.Name, err)
		}
	}
}

// TestRun injects at least once, notes each injection, and stops at the first that fails.
func TestRun(t *testing.T) {
	site := &cluster.Site{}
	ctx, cancel := context.WithCancel(t.Context())
	injected, noted := 0, 0
	f := Fault{Name: "test", Rest: 2, Inject: func(context.Context, *cluster.Site, int) error {
		if injected++; injected == 3 {
			cancel()
		}
		return nil
	}}
	note := func(from, to time.Time) { noted++ }
	if err := f.Run(ctx, site, note); err != nil || injected != 3 || noted != 3 {
		t.Errorf("%v after %d injections, %d noted", err, injected, noted)
	}
	if err := f.Run(ctx, site, note); err != nil || injected != 4 {
		t.Errorf("%v, %d injections by a context that is done", err, injected)
	}
	wrong := errors.New("wrong")
	f.Inject = func(context.Context, *cluster.Site, int) error { return wrong }
	if err := f.Run(t.Context(), site, note); !errors.Is(err, wrong) {
		t.Error(err)
	}
}
