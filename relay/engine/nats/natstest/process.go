//go:build unix

package natstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// environment holds the options of a server that Main is to run.
const environment = "TILLBELL_NATSTEST"

// Main runs the tests of a package that uses Processes: its TestMain calls nothing else. The test's own binary is also
// the server's.
func Main(m *testing.M) {
	if options := os.Getenv(environment); options != "" {
		serve(options)
		return
	}
	os.Exit(m.Run())
}

// node is what a process is told.
type node struct {
	Name, Dir, Routes string
	Port, ClusterPort int
}

// serve runs one server until the test's process closes its standard input or ends.
func serve(options string) {
	var n node
	if err := json.Unmarshal([]byte(options), &n); err != nil {
		panic(err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, JetStream: true, StoreDir: n.Dir, NoLog: true, NoSigs: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: n.ClusterPort},
		Routes:  server.RoutesFromStr(n.Routes),
	})
	if err != nil {
		panic(err)
	}
	s.Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
}

// Processes is a cluster of servers that are processes of their own, and can be killed and paused. Its methods are for
// one goroutine.
type Processes struct {
	t     testing.TB
	nodes []node
	cmds  []*exec.Cmd // nil where one does not run
	stdin []io.Closer
}

// StartProcesses starts n servers, which end with the test.
func StartProcesses(t testing.TB, n int) *Processes {
	t.Helper()
	p := &Processes{t: t, cmds: make([]*exec.Cmd, n), stdin: make([]io.Closer, n)}
	ports := freePorts(t, 2*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
	}
	for i := range n {
		p.nodes = append(p.nodes, node{
			Name: fmt.Sprintf("n%d", i+1), Dir: t.TempDir(), Routes: strings.Join(routes, ","), Port: ports[i], ClusterPort: ports[n+i],
		})
	}
	t.Cleanup(func() {
		for i := range p.cmds {
			p.Kill(i)
		}
	})
	for i := range n {
		p.Start(i)
	}
	return p
}

// Start starts the i-th server and waits until it listens.
func (p *Processes) Start(i int) {
	p.t.Helper()
	options, err := json.Marshal(p.nodes[i])
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), environment+"="+string(options))
	cmd.Stderr = os.Stderr
	if p.stdin[i], err = cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmds[i] = cmd
	for deadline := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", p.Host(i))
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("natstest: server %d does not listen: %v", i+1, err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// Kill ends the i-th server as a crash would, and waits for its end.
func (p *Processes) Kill(i int) {
	if p.cmds[i] == nil {
		return
	}
	_ = p.cmds[i].Process.Kill()
	_ = p.cmds[i].Wait()
	_ = p.stdin[i].Close()
	p.cmds[i] = nil
}

// Pause stops the i-th server in the middle of whatever it does, until Resume.
func (p *Processes) Pause(i int) { _ = p.cmds[i].Process.Signal(syscall.SIGSTOP) }

// Resume lets the i-th server go on after Pause.
func (p *Processes) Resume(i int) { _ = p.cmds[i].Process.Signal(syscall.SIGCONT) }

// Host returns the i-th server's address.
func (p *Processes) Host(i int) string { return fmt.Sprintf("127.0.0.1:%d", p.nodes[i].Port) }

// Index returns the number of the server with the name, or -1.
func (p *Processes) Index(name string) int {
	for i, n := range p.nodes {
		if n.Name == name {
			return i
		}
	}
	return -1
}

// CPU returns the processor time that the servers that run have used.
func (p *Processes) CPU() time.Duration {
	p.t.Helper()
	var total time.Duration
	for _, cmd := range p.cmds {
		if cmd == nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		if err != nil {
			p.t.Skipf("natstest: this system does not say what a process costs: %v", err)
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // proc(5): utime and stime are the 14th and 15th
		fields := strings.Fields(rest)
		for _, ticks := range fields[11:13] {
			n, err := strconv.ParseInt(ticks, 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total
}
