//go:build linux

// Package cluster starts the servers of a run as processes of their own: one relay with an engine of its own, three that
// are a cluster by themselves, or three beside as many nats-server. Each can be killed, stopped and started again; with
// a [Network] each machine has its own network, and a [Volume] is a small file system for the first machine's data.
//
// Processes are ended by their number, and by the kernel should this program be killed. They listen on 127.0.0.1, or on
// private addresses of namespaces that were made for them.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/script"
)

// The engines.
const (
	Memory   = "memory"
	Disk     = "disk"
	Embedded = "nats-embedded"
	NATS     = "nats"
)

// Options of a Site. Program, Dir and Engine must be set, Server for NATS.
type Options struct {
	Engine  string
	Program string // tillbell
	Server  string // nats-server
	Dir     string // where everything lies
	Keys    Keys
	// Network gives each machine a namespace; nil leaves all on 127.0.0.1.
	Network *Network
	// Volume has the first machine's data; nil is Dir.
	Volume *Volume
	// Crashed is called when a process ends by itself.
	Crashed func(what string)
}

// Machines returns how many machines a site of the engine has.
func Machines(engine string) int {
	if engine == Embedded || engine == NATS {
		return 3
	}
	return 1
}

// A Site is the servers of one run.
type Site struct {
	// Relays are the nodes' processes, Servers the nats-servers beside them, if there are any.
	Relays, Servers []*Process
	// Addresses are the relays' public listeners.
	Addresses []string
	Network   *Network
	Volume    *Volume

	opts  Options
	ports []int // a route and a client port for each machine
}

// NewSite writes configurations. Nothing runs yet.
func NewSite(o Options) (*Site, error) {
	s := &Site{opts: o, Network: o.Network, Volume: o.Volume}
	n := Machines(o.Engine)
	var err error
	if s.ports, err = unused(3 * n); err != nil {
		return nil, err
	}
	for i := range n {
		s.Addresses = append(s.Addresses, net.JoinHostPort(s.host(i), strconv.Itoa(s.ports[i])))
	}
	for i := range n {
		if o.Engine == NATS {
			p, err := s.server(i)
			if err != nil {
				return nil, err
			}
			s.Servers = append(s.Servers, p)
		}
		p, err := s.relay(i)
		if err != nil {
			return nil, err
		}
		s.Relays = append(s.Relays, p)
	}
	return s, nil
}

// host is what the generator reaches machine i by, back what the other machines do.
func (s *Site) host(i int) string {
	if s.Network != nil {
		return frontAddress(i)
	}
	return "127.0.0.1"
}

func (s *Site) back(i int) string {
	if s.Network != nil {
		return backAddress(i)
	}
	return "127.0.0.1"
}

// route and client are where machine i's NATS listens.
func (s *Site) route(i int) string {
	return net.JoinHostPort(s.back(i), strconv.Itoa(s.ports[Machines(s.opts.Engine)+i]))
}

func (s *Site) client(i int) string {
	return net.JoinHostPort(s.back(i), strconv.Itoa(s.ports[2*Machines(s.opts.Engine)+i]))
}

// data returns the folder that machine i keeps its data in.
func (s *Site) data(i int) string {
	if i == 0 && s.Volume != nil {
		return filepath.Join(s.Volume.Dir, "data")
	}
	return filepath.Join(s.opts.Dir, fmt.Sprintf("data-%d", i))
}

func (s *Site) process(i int, name string, ready func(context.Context) error, command ...string) *Process {
	p := &Process{Name: name, command: command, log: filepath.Join(s.opts.Dir, name+".log"), ready: ready, crashed: s.opts.Crashed}
	if s.Network != nil {
		p.ns = s.Network.spaces[i]
	}
	return p
}

// relay returns the process of relay i. Its configuration is JSON, which is YAML.
func (s *Site) relay(i int) (*Process, error) {
	type settings = map[string]any
	k := s.opts.Keys
	conf := settings{
		"listen": s.Addresses[i], "admin": "", "api_keys": []string{k.API}, "tickets": settings{"secret": k.ticket},
		"await": settings{"heartbeat": "2s"}, "log": settings{"level": "info"}, "shutdown": settings{"delay": "0s", "drain": "1s"},
		"sources": settings{
			script.ERP:  settings{"provider": "standard-webhooks", "secrets": k.erp.Secrets},
			script.Card: settings{"provider": "stripe", "secrets": k.card.Secrets},
		},
	}
	switch s.opts.Engine {
	case Disk:
		conf["engine"] = "disk:" + s.data(i)
	case Embedded:
		conf["engine"] = Embedded
		conf["cluster"] = settings{"name": fmt.Sprintf("node-%d", i+1), "listen": s.route(i), "peers": s.all(s.route),
			"dir": s.data(i), "secret": k.routes}
	case NATS:
		conf["engine"] = s.url()
	default:
		conf["engine"] = s.opts.Engine
	}
	text, err := json.MarshalIndent(conf, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cluster: configuration: %w", err)
	}
	file := filepath.Join(s.opts.Dir, fmt.Sprintf("relay-%d.yaml", i))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, fmt.Errorf("cluster: configuration: %w", err)
	}
	ready := func(ctx context.Context) error { return answers(ctx, "http://"+s.Addresses[i]+"/readyz") }
	p := s.process(i, fmt.Sprintf("relay-%d", i), ready, s.opts.Program, "serve", "-c", file)
	p.patient = s.opts.Engine == NATS
	return p, nil
}

// all returns what f returns for each machine.
func (s *Site) all(f func(int) string) []string {
	var list []string
	for i := range Machines(s.opts.Engine) {
		list = append(list, f(i))
	}
	return list
}

// Processes returns all processes, what others need first.
func (s *Site) Processes() []*Process {
	return append(s.Servers[:len(s.Servers):len(s.Servers)], s.Relays...)
}

// On returns the processes of machine i.
func (s *Site) On(i int) []*Process {
	if len(s.Servers) > 0 {
		return []*Process{s.Servers[i], s.Relays[i]}
	}
	return s.Relays[i : i+1]
}

// Start starts all processes and waits until they serve.
func (s *Site) Start(ctx context.Context) error {
	for _, p := range s.Processes() {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return s.Ready(ctx)
}

// Ready waits until all processes serve.
func (s *Site) Ready(ctx context.Context) error {
	for _, p := range s.Processes() {
		if err := p.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Kill kills all processes.
func (s *Site) Kill() {
	for _, p := range s.Processes() {
		p.Kill()
	}
}

// answers asks for a URL and returns an error unless the answer is 200.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// unused returns ports on which nobody listens, and from which the system does not take those of connections.
func unused(n int) ([]int, error) {
	var ports []int
	for port := 21000 + os.Getpid()%4000; port < 32000 && len(ports) < n; port++ {
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // it does not block
		if err != nil {
			continue
		}
		_ = l.Close()
		ports = append(ports, port)
	}
	if len(ports) < n {
		return nil, fmt.Errorf("cluster: %d of %d ports are free", len(ports), n)
	}
	return ports, nil
}
