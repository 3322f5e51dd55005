// Package embedded runs a NATS server inside the process, as one node of a JetStream cluster, so that three copies of
// Tillbell are a cluster with nothing else to install.
//
// # Nodes
//
// A cluster has 1 node, 3, 5 or another odd number: an even number of nodes tolerates no more losses than one node less
// would, and two tolerate none. Every node is told of all nodes, in Options.Peers; it counts itself whether it is listed
// or not. The log is kept by all of them, or by five of more, and Tillbell goes on while one of three is lost,
// or two of five. A minority waits: it neither acknowledges nor forgets anything. A cluster's very first start takes all of
// its nodes, since NATS elects no leader by votes of nodes with empty logs unless all have voted (raft.go).
//
// A node's name is how the others know it. It must be its own, and stay the same over restarts: NATS remembers its peers
// by their names (getHash in server/raft.go). So a node's folder is marked with its name, and is refused under another.
// A node that lost its folder may come back with its name and an empty one, and is given the log again.
//
// # Durability
//
// Every write is synced to the disk before it counts (sync_interval: always), on each of the nodes that keep the log.
// What a majority has acknowledged is therefore kept over the loss of power of all nodes together.
//
// # Network
//
// A node opens one port, Options.Listen, for the other nodes. There is none for clients: the engine's connection is in
// the process ([Server.InProcessConn]). Nodes know each other by Options.Secret, of which a digest is sent; without
// Options.TLS anybody who can listen to the network between the nodes can read the digest and the events.
//
// # Outages
//
// A node that is stopped hands over what it leads first. One that is killed, or cut off, is noticed by the others after
// 4 to 9 s without a sign of life, by NATS's own bounds for an election (server/raft.go); for so long, callbacks are
// answered 503 where that node led. Start returns when the node has caught up with the others, so that nodes may be
// restarted in turn as soon as each is back. A node whose disk is full or broken stores nothing any more and logs that;
// the others go on, and it is to be restarted when its disk is well.
package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options of a Server. A node alone needs Name and Dir.
type Options struct {
	// Name is this node's own, 1 to 63 of A-Z, a-z, 0-9, '-', '_' and '.', and stays the same over restarts.
	Name string
	// Listen is the host:port for the other nodes. It may be empty for a node alone.
	Listen string
	// Peers are the host:port of all nodes, as each of them is reached from here. This node may be among them.
	Peers []string
	// Dir is the folder of this node's part of the log. It is made if it is not there.
	Dir string
	// Secret is what the nodes of one cluster share, at least 32 bytes. It may be empty where every address is a
	// loopback one.
	Secret string
	// TLS is used between the nodes, each being both a server and a client: it needs Certificates, RootCAs and ClientCAs,
	// and the certificates must be for both uses and for the hosts in Peers. Nil is plain TCP.
	TLS *tls.Config
	// Log is told what happens to the cluster. Nil is slog.Default.
	Log *slog.Logger
}

// clusterName is what the nodes of every cluster of Tillbell's call it.
const clusterName = "tillbell"

// Server is one running node. All methods may be called at the same time.
type Server struct {
	nats  *server.Server
	nodes nodes
	tls   *tls.Config
	home  *home
	log   *slog.Logger

	stop     context.CancelFunc // of watch
	watching sync.WaitGroup
	stopOnce sync.Once
	stopped  chan struct{} // closed when the NATS server has ended
}

// Start starts a node and returns when its cluster has a leader, which takes a majority of the nodes: until then it logs
// every 10 s who is missing. It waits for as long as ctx lets it, and returns ctx's error after that. Any other error
// says in one line what to change. To read a large log again takes Start a while, which ctx does not cut short.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("embedded: start: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	n, err := o.nodes()
	if err != nil {
		return nil, err
	}
	h, err := openHome(o.Dir, o.Name, len(n.others) > 0)
	if err != nil {
		return nil, err
	}
	s := &Server{nodes: n, tls: o.TLS, home: h, log: o.Log, stopped: make(chan struct{})}
	if len(n.others) > 0 {
		err = s.enter(ctx, o)
	}
	if err == nil {
		err = s.run(o)
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	if err := s.wait(ctx); err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		return nil, errors.Join(err, s.Stop(end))
	}
	watch, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.watching.Go(func() { s.watch(watch) })
	return s, nil
}

// enter sees that nothing stands in the way of the node: its address is free, and no other node has its name.
func (s *Server) enter(ctx context.Context, o Options) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return listenError(o.Listen, err)
	}
	if err := ln.Close(); err != nil {
		return listenError(o.Listen, err)
	}
	return s.ask(ctx).clash(o.Name, "")
}

func listenError(address string, err error) error {
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err // it names the address once more
	}
	return fmt.Errorf("listen on %s: %w; set cluster.listen to another address", address, err)
}

// run starts the NATS server.
func (s *Server) run(o Options) error {
	logged := &logger{log: o.Log}
	so := serverOptions(o, s.nodes)
	nats, err := server.NewServer(so)
	if err != nil {
		return err
	}
	if d, ok := so.CustomRouterAuthentication.(*door); ok {
		d.ids = append(d.ids, nats.ID()) // it calls itself as well, and hangs up
	}
	nats.SetLoggerV2(logged, false, false, false)
	nats.Start()
	if err := logged.fatal(); err == nil && len(s.nodes.others) > 0 {
		// A server with DontListen waits for its clients' port before it listens for other nodes, and so for ever. The
		// goroutine that waits is the one that StartRouting counts down here.
		ready := make(chan struct{})
		close(ready)
		nats.StartRouting(ready)
	}
	if err := logged.fatal(); err != nil {
		nats.Shutdown()
		return err
	}
	s.nats = nats
	return nil
}

// InProcessConn returns a connection to the node without a socket. It is what nats.InProcessServer asks for.
func (s *Server) InProcessConn() (net.Conn, error) { return s.nats.InProcessConn() }

// Replicas returns how many nodes are to keep the log: all, or 5 of more.
func (s *Server) Replicas() int { return s.nodes.replicas() }

// stopTime is how long a node that could not start is given to stop.
const stopTime = 10 * time.Second

// Stop hands over what the node leads and ends it. The engine over it must have been closed. When ctx is done first, Stop
// returns its error and the server goes on to end by itself.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		if s.stop != nil {
			s.stop()
			s.watching.Wait()
		}
		go func() {
			defer close(s.stopped)
			s.handOver(ctx)
			s.nats.Shutdown()
			s.nats.WaitForShutdown()
		}()
	})
	select {
	case <-s.stopped:
		return s.home.close()
	case <-ctx.Done():
		return fmt.Errorf("embedded: stop: %w", ctx.Err())
	}
}
