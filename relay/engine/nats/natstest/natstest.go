// Package natstest runs NATS servers with JetStream inside a test, one or a cluster of several, on 127.0.0.1.
package natstest

import (
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// patience bounds every wait.
const patience = 30 * time.Second

// Cluster is one server, or several that are a cluster. Its methods are for one goroutine.
type Cluster struct {
	t       testing.TB
	options []*server.Options
	servers []*server.Server // nil where one is stopped
}

// Start starts n servers with stores in a temporary folder and waits until JetStream can be used. Each set changes the
// options of every server first. They stop when the test is over.
func Start(t testing.TB, n int, set ...func(*server.Options)) *Cluster {
	t.Helper()
	c := &Cluster{t: t, servers: make([]*server.Server, n)}
	dir := t.TempDir()
	ports := freePorts(t, 2*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
	}
	for i := range n {
		o := &server.Options{
			ServerName: fmt.Sprintf("n%d", i+1), Host: "127.0.0.1", Port: ports[i],
			JetStream: true, StoreDir: filepath.Join(dir, fmt.Sprint(i+1)),
			NoLog: true, NoSigs: true, MaxControlLine: 4096, DisableShortFirstPing: true,
		}
		if n > 1 {
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[n+i]}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		}
		for _, f := range set {
			f(o)
		}
		c.options = append(c.options, o)
	}
	t.Cleanup(c.StopAll)
	c.StartAll()
	return c
}

// freePorts returns ports of 127.0.0.1 that nobody listens on.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// Hosts returns the servers' addresses, those of stopped ones too, comma-separated, beginning with the i-th.
func (c *Cluster) Hosts(first int) string {
	var hosts []string
	for i := range c.options {
		o := c.options[(first+i)%len(c.options)]
		hosts = append(hosts, fmt.Sprintf("%s:%d", o.Host, o.Port))
	}
	return strings.Join(hosts, ",")
}

// Host returns the i-th server's address.
func (c *Cluster) Host(i int) string {
	host, _, _ := strings.Cut(c.Hosts(i), ",")
	return host
}

// Server returns the i-th server, nil if it is stopped.
func (c *Cluster) Server(i int) *server.Server { return c.servers[i] }

// StartAll starts what is stopped and waits until JetStream can be used.
func (c *Cluster) StartAll() {
	c.t.Helper()
	for i := range c.servers {
		c.launch(i)
	}
	c.Ready()
}

// Start starts the i-th server, which was stopped.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	c.launch(i)
	if !c.servers[i].ReadyForConnections(patience) {
		c.t.Fatalf("natstest: server %d is not ready", i+1)
	}
}

func (c *Cluster) launch(i int) {
	c.t.Helper()
	if c.servers[i] != nil {
		return
	}
	o := *c.options[i]
	s, err := server.NewServer(&o)
	if err != nil {
		c.t.Fatalf("natstest: %v", err)
	}
	s.Start()
	c.servers[i] = s
}

// Ready waits until the servers that run take clients and, if they have JetStream, have a leader.
func (c *Cluster) Ready() {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	ready := func() bool {
		led := len(c.servers) == 1 || !c.options[0].JetStream
		for _, s := range c.servers {
			if s == nil {
				continue
			}
			if !s.ReadyForConnections(time.Second) || c.options[0].JetStream && len(c.servers) > 1 && !s.JetStreamIsCurrent() {
				return false
			}
			led = led || s.JetStreamIsLeader()
		}
		return led
	}
	for !ready() {
		if time.Now().After(deadline) {
			c.t.Fatal("natstest: the servers are not ready")
		}
		<-time.After(10 * time.Millisecond)
	}
}

// Stop stops the i-th server, as SIGTERM would.
func (c *Cluster) Stop(i int) {
	if s := c.servers[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.servers[i] = nil
	}
}

// StopAll stops all servers.
func (c *Cluster) StopAll() {
	for i := range c.servers {
		c.Stop(i)
	}
}

// Leader returns the number of the server that leads the stream of the global account, or -1.
func (c *Cluster) Leader(stream string) int {
	for i, s := range c.servers {
		if s != nil && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

// Stored returns how many bytes the files in all servers' stores have.
func (c *Cluster) Stored() int64 {
	c.t.Helper()
	var total int64
	for _, o := range c.options {
		err := filepath.WalkDir(o.StoreDir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err == nil {
				total += info.Size()
			}
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return total
}
