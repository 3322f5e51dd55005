//go:build linux

package target

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/integration/load/generator"
)

// TestStartFails holds that a server that ends is not waited for, and that its last words are told.
func TestStartFails(t *testing.T) {
	broken := &Target{Name: "broken", health: "/", command: func(Options, place) (*exec.Cmd, error) {
		return exec.Command("sh", "-c", "echo first >&2; echo listen is wrong >&2; exit 1"), nil
	}}
	s, err := broken.Start(Options{}, 1, -1, t.TempDir())
	s.Stop()
	if err == nil || !strings.HasSuffix(err.Error(), "broken: ended: listen is wrong") {
		t.Errorf("%v", err)
	}
}

func TestTillbellConfig(t *testing.T) {
	dir, k := t.TempDir(), NewKeys()
	sse, _, both := Tillbell("/bin/tillbell", k)
	cmd, err := sse.command(Options{Heartbeat: time.Second}, place{address: "127.0.0.1:80", dir: dir, index: 2})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "tillbell-2.yaml")
	if got := strings.Join(cmd.Args, " "); got != "/bin/tillbell serve -c "+file {
		t.Errorf("runs %s", got)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("keys are in a file with the mode %v", info.Mode())
	}
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`listen: "127.0.0.1:80"`, "engine: memory\n", "await: {heartbeat: 1s}", "whsec_" + text(k.Signing)} {
		if !strings.Contains(string(config), want) {
			t.Errorf("no %s in\n%s", want, config)
		}
	}
	if strings.Contains(string(config), "tls:") {
		t.Errorf("TLS that nobody asked for in\n%s", config)
	}
	job := generator.Job{Waiters: 1}
	both.Fill(&job, k)
	if len(job.Ask) != 2 || string(job.TicketKey) != string(k.Ticket) || string(job.SigningKey) != string(k.Signing) {
		t.Errorf("%+v", job)
	}
}

func TestEngineConfig(t *testing.T) {
	p := place{dir: "/d", index: 1, instances: 2, routes: []string{"127.0.0.1:1", "127.0.0.1:2"}}
	for engine, want := range map[Engine]string{
		Memory: "memory",
		Disk:   "disk:/d/n.store",
		Embedded: "nats-embedded\n" +
			`cluster: {name: n, listen: "127.0.0.1:2", peers: [127.0.0.1:1, 127.0.0.1:2], dir: "/d/n.store"}`,
	} {
		if got := engine.config("n", p); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
