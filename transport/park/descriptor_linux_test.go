package park_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay"
)

// descriptors returns how many this process has.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestDescriptors counts them: one for each connection that is parked and one for all, and none when they are gone.
func TestDescriptors(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if k.bubble {
			t.Skip("it needs none")
		}
		y := newYard(t, k, options{reads: reads})
		first, _ := y.open(t, "p", "")
		first.Close()
		y.ended(t, relay.ErrGone)
		if err := y.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := descriptors(t)

		const many = 20
		var clients []*client
		for range many {
			c, _ := y.open(t, "p", "")
			clients = append(clients, c)
		}
		want := before + 2*many                   // both ends
		if k.link == plain && k.name != "front" { // whose poller is there already
			want++
		}
		if n := descriptors(t); n != want {
			t.Errorf("%d descriptors with %d connections, want %d", n, many, want)
		}
		for i, c := range clients {
			switch i % 3 {
			case 0:
				c.Close()
			case 1:
				c.reset()
			case 2:
				c.closeWrite()
			}
			y.ended(t, relay.ErrGone)
			c.Close()
		}
		if err := y.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors are left of %d", n, before)
		}
	})
}

// TestRefused has a system that is out of descriptors when connections are parked: they are held all the same, and one
// that comes later has a descriptor again.
func TestRefused(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	set := func(n uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: limit.Max}); err != nil {
			t.Error(err)
		}
	}
	y := newYard(t, kinds[0], options{})
	refuse := func() { set(3) } // what is open stays open
	y.before = refuse
	first := y.call(t, "p", "")
	held := next(t, y.conns, "the connection")
	set(limit.Cur)
	first.head()
	first.expect("state pending")
	if got := held.Link(); got != "*park.blocking" {
		t.Errorf("the link is a %s", got)
	}

	y.before = nil
	_, other := y.open(t, "p", "")
	if got := other.Link(); got != "*park.descriptor" {
		t.Errorf("the next link is a %s", got)
	}

	y.before = refuse // now with a poller
	second := y.call(t, "p", "")
	held = next(t, y.conns, "the connection")
	set(limit.Cur)
	second.head()
	second.expect("state pending")
	if got := held.Link(); got != "*park.blocking" {
		t.Errorf("with a poller the link is a %s", got)
	}
	y.publish(t, "p", "one", relay.Paid)
	for _, c := range []*client{first, second} {
		c.expect("event one", "end done")
		c.over()
	}
}
