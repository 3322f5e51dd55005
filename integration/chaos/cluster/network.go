//go:build linux

package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// A Network gives each machine of a site a network namespace with two links: a front one, to the generator, and a back
// one, to the other machines. Both end at bridges in this program's own namespace, which main has made for it: nothing
// of the host's network is touched, and all of it is gone with the program.
type Network struct {
	spaces []*namespace
}

// frontAddress and backAddress are machine i's, counted from 0.
func frontAddress(i int) string { return "10.213.1." + strconv.Itoa(i+1) }
func backAddress(i int) string  { return "10.213.2." + strconv.Itoa(i+1) }

// NewNetwork makes the namespaces of n machines. It needs root, the program ip, and a namespace of its own.
func NewNetwork(ctx context.Context, n int) (*Network, error) {
	net := &Network{}
	for _, bridge := range []string{"front", "back"} {
		_ = ip(ctx, "link", "del", bridge) // of the site before
		if err := ip(ctx, "link", "add", bridge, "type", "bridge"); err != nil {
			return nil, err
		}
		if err := ip(ctx, "link", "set", bridge, "up"); err != nil {
			return nil, err
		}
	}
	for _, l := range []struct{ bridge, address string }{{"front", "10.213.1.254/24"}, {"back", "10.213.2.254/24"}} {
		if err := ip(ctx, "addr", "add", l.address, "dev", l.bridge); err != nil {
			return nil, err
		}
	}
	for i := range n {
		var err error
		processes.do(func() { err = net.add(ctx, i) })
		if err != nil {
			net.Close()
			return nil, err
		}
	}
	return net, nil
}

// add makes one namespace and its links. It is called on the starter's thread.
func (n *Network) add(ctx context.Context, i int) error {
	home, err := current()
	if err != nil {
		return err
	}
	defer home.close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cluster: make namespace: %w", err)
	}
	ns, err := current()
	if err == nil {
		n.spaces = append(n.spaces, ns)
		err = n.link(ctx, i, home)
	}
	if back := home.enter(); back != nil {
		panic(back) // every process would start in the wrong place
	}
	if err != nil {
		return err
	}
	return n.Join(ctx, i)
}

// link makes the links from inside the namespace; their other ends appear in the program's own, which is home.
func (n *Network) link(ctx context.Context, i int, home *namespace) error {
	if err := ip(ctx, "link", "set", "lo", "up"); err != nil {
		return err
	}
	for _, l := range []struct{ name, address string }{{"front", frontAddress(i)}, {"back", backAddress(i)}} {
		outer := l.name + strconv.Itoa(i)
		for _, args := range [][]string{
			{"link", "add", l.name, "type", "veth", "peer", "name", outer, "netns", home.path()},
			{"addr", "add", l.address + "/24", "dev", l.name},
			{"link", "set", l.name, "up"},
		} {
			if err := ip(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// Join connects machine i to the bridges.
func (n *Network) Join(ctx context.Context, i int) error {
	for _, bridge := range []string{"front", "back"} {
		if err := ip(ctx, "link", "set", bridge+strconv.Itoa(i), "master", bridge, "up"); err != nil {
			return err
		}
	}
	return nil
}

// Isolate parts machine i from the other machines and leaves it to the generator. Its link stays up and what it sends
// is lost, as on a broken way; nobody is told.
func (n *Network) Isolate(ctx context.Context, i int) error {
	return ip(ctx, "link", "set", "back"+strconv.Itoa(i), "nomaster")
}

// Close forgets the namespaces. They are gone when their processes are.
func (n *Network) Close() {
	for _, ns := range n.spaces {
		ns.close()
	}
}

// Loopback brings the program's own loopback device up, which a namespace begins without.
func Loopback(ctx context.Context) error { return ip(ctx, "link", "set", "lo", "up") }

// ip runs ip(8) in the calling thread's namespace.
func ip(ctx context.Context, args ...string) error { return run(ctx, "ip", args...) }

// run runs a program that ends soon.
func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cluster: %s %v: %w: %s", name, args, err, bytes.TrimSpace(out))
	}
	return nil
}
