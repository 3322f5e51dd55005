package embedded_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"github.com/tillbell/tillbell/relay/engine/nats/embedded"
)

// TestCheck judges what can be judged without starting anything.
func TestCheck(t *testing.T) {
	t.Parallel()
	const three, listen = "10.0.0.1:6222 10.0.0.2:6222 10.0.0.3:6222", ":6222"
	const even = "cluster.peers and this node come to "
	for _, test := range []struct {
		name, node, listen, peers, secret, want string
	}{
		{"alone", "a", "", "", "", ""},
		{"alone, listed", "a", "127.0.0.1:6222", "127.0.0.1:6222", "", ""},
		{"no name", "", listen, three, secret, "cluster.name must be"},
		{"a name with a space", "a b", listen, three, secret, "cluster.name must be"},
		{"listed by its name", "a", listen, "a:6222 b:6222 c:6222", secret, ""},
		{"listed by its name in a domain", "shop-0", listen, "shop-0.shop:6222 shop-1.shop:6222 shop-2.shop:6222", secret, ""},
		{"listed as it listens", "a", "10.0.0.1:6222", three, secret, ""},
		{"listed by an address of this machine", "a", "0.0.0.0:6222", "127.0.0.1:6222 10.0.0.2:6222 10.0.0.3:6222", secret, ""},
		{"not listed", "a", listen, "10.0.0.2:6222 10.0.0.3:6222", secret, ""},
		{"one machine", "a", "127.0.0.1:6221", "127.0.0.1:6221 127.0.0.1:6222 127.0.0.1:6223", "", ""},
		{"one machine by its name", "a", "localhost:6221", "localhost:6221 localhost:6222 localhost:6223", "", ""},
		{"listed twice", "a", "10.0.0.1:6222", three + " 10.0.0.3:6222", secret, ""},
		{"two", "a", listen, "a:6222 b:6222", secret, even + "2 nodes, which tolerate no more losses than 1 would: make it 3"},
		{"listed under another name", "a", listen, three, secret, even + "4 nodes"},
		{"another port is another node", "a", "127.0.0.1:6221", "127.0.0.1:6222 127.0.0.1:6223 127.0.0.1:6224", "", even + "4 nodes"},
		{"a peer without a port", "a", listen, "b c", secret, "cluster.peers must be a list of host:port"},
		{"a peer without a host", "a", "", ":6222", secret, "cluster.peers must be a list of host:port"},
		{"a peer that is a URL", "a", listen, "nats://b:6222", secret, "cluster.peers must be a list of host:port"},
		{"no address", "a", "", "b:6222 c:6222", secret, "cluster.listen must be host:port"},
		{"any port", "a", ":0", "b:6222 c:6222", secret, "cluster.listen must be host:port"},
		{"no secret", "a", listen, "b:6222 c:6222", "", "cluster.secret is missing"},
		{"no secret, open to others", "a", ":6221", "127.0.0.1:6222 127.0.0.1:6223", "", "cluster.secret is missing"},
		{"a short secret", "a", listen, "b:6222 c:6222", "sekrit", "cluster.secret must be at least 32 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := embedded.Options{
				Name: test.node, Listen: test.listen, Peers: strings.Fields(test.peers), Dir: "x", Secret: test.secret,
			}.Check()
			switch {
			case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "sekrit"):
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

// refused starts a node that must not start, for the reason given.
func refused(t *testing.T, o embedded.Options, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := embedded.Start(ctx, o)
	if err == nil {
		_ = s.Stop(ctx)
		t.Fatal("the node started")
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q in it", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), secret) {
		t.Errorf("%q is more than one line, or has the secret in it", err)
	}
}

// TestFolder refuses folders that are not the node's, and leaves them as they are.
func TestFolder(t *testing.T) {
	t.Parallel()
	o := options(t, 1)[0]
	c := newCluster(t, []embedded.Options{o})
	c.start()
	refused(t, o, o.Dir, "in use by another process (pid ", "set cluster.dir to another folder")
	c.stop()
	c.start() // the lock is gone with the process, or with Stop
	c.stop()

	other := o
	other.Name = "b"
	refused(t, other, o.Dir+` is the folder of the node "a"`)
	three := options(t, 3)[0]
	three.Dir = o.Dir
	refused(t, three, o.Dir+" is the folder of a node alone")

	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x")
	under := o
	under.Dir = filepath.Join(file, "node")
	refused(t, under, "cannot use "+under.Dir+": not a directory; set cluster.dir")
	foreign := o
	foreign.Dir = filepath.Dir(file)
	refused(t, foreign, "holds something else")
	if all, err := os.ReadDir(foreign.Dir); err != nil || len(all) != 1 {
		t.Errorf("a folder of somebody else's was changed: %v, %v", all, err)
	}

	broken := options(t, 1)[0]
	write(t, filepath.Join(broken.Dir, "node.json"), `{"version":1,"name":"a"}`)
	write(t, filepath.Join(broken.Dir, "jetstream"), "")
	refused(t, broken, "nats server: Can't start JetStream: storage directory is not a directory")

	mark := filepath.Join(o.Dir, "node.json")
	write(t, mark, `{"version":2,"name":"a"}`)
	refused(t, o, "another version of this program")
	write(t, mark, "nonsense")
	refused(t, o, "node.json is damaged")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAddress refuses an address that is taken.
func TestAddress(t *testing.T) {
	t.Parallel()
	o := options(t, 3)[0]
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	refused(t, o, "listen on "+o.Listen, "address already in use; set cluster.listen to another address")
}

// TestWaiting waits as a minority, says who is missing and why, and ends with its context.
func TestWaiting(t *testing.T) {
	t.Parallel()
	all := options(t, 3)
	stranger, err := net.Listen("tcp", all[2].Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	go func() {
		for {
			conn, err := stranger.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
			_ = conn.Close()
		}
	}()

	o, said := all[0], newLog()
	o.Log = said.logger()
	end := startUntil(t, o)
	said.wait(t, "waiting for the cluster: 1 of 3 nodes, missing "+all[1].Listen+" (connection refused), "+
		all[2].Listen+" (something else listens there)")

	// A second node of the same name is told so, and the first goes on.
	twin := all[1]
	twin.Name = o.Name
	refused(t, twin, "the node at "+o.Listen+` has the name "a" too`)
	end()
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
}

// TestSecret keeps a node with another secret out, and lets nobody read the secret.
func TestSecret(t *testing.T) {
	t.Parallel()
	all := options(t, 3)
	said := newLog()
	for i := range all {
		all[i].Log = said.logger()
	}
	c := newCluster(t, all)
	c.start()
	c.stopNode(2)
	said.wait(t, "cluster: a node is gone")
	all[2].Secret = strings.Repeat("x", 40)
	end := startUntil(t, all[2])
	said.wait(t, "authentication error")
	said.wait(t, "it runs, but is not connected: see that cluster.secret and cluster.tls are the same there")
	end()

	// The port is for nodes, not for clients.
	if conn, err := natsgo.Connect("nats://" + all[0].Listen); err == nil {
		conn.Close()
		t.Error("a client may connect")
	}
	for _, text := range []string{secret, all[2].Secret, embedded.Digest(secret)} {
		if strings.Contains(said.String(), text) {
			t.Errorf("%s is logged:\n%s", text, said)
		}
	}
}
