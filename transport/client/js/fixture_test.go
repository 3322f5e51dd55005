package js_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/client/js/bundle"
	"github.com/tillbell/tillbell/transport/client/wiretest"
)

// wsPackage is the npm package ws, which `make clients` installs.
const wsPackage = "../../../integration/testdata/npm/node_modules/ws/wrapper.mjs"

// played is what the client told of one fixture.
type played struct {
	Name           string
	Outcome        map[string]any
	Error          string
	States, Events []string
	MS             float64
}

// TestWire plays the fixtures of the Go client with this one, in Node.js and in real time, all of them at once.
func TestWire(t *testing.T) {
	node := needNode(t)
	ws, err := filepath.Abs(wsPackage)
	if err == nil {
		_, err = os.Stat(ws)
	}
	if err != nil {
		skip(t, "the npm package ws is not installed: run make clients")
	}
	all, err := wiretest.Load("../testdata/wire")
	if err != nil {
		t.Fatal(err)
	}
	servers := make(map[string]*wiretest.Server)
	var arguments []map[string]string
	for _, f := range all {
		servers[f.Name] = wiretest.NewServer(f)
		web := httptest.NewServer(servers[f.Name])
		t.Cleanup(web.Close)
		arguments = append(arguments, map[string]string{
			"name": f.Name, "base": web.URL, "payment": f.Payment, "ticket": wiretest.Ticket,
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "testdata/judge/fixtures.mjs", built(t, "src/client.ts"), ws)
	stdin, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	results := make(map[string]played)
	for _, line := range run(t, cmd, stdin) {
		var p played
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		results[p.Name] = p
	}
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			p, ok := results[f.Name]
			if !ok {
				t.Fatalf("the wait did not end; asked %v", servers[f.Name].Asked())
			}
			t.Logf("asked %v in %.0f ms", servers[f.Name].Asked(), p.MS)
			for _, wrong := range servers[f.Name].Wrong() {
				t.Error(wrong)
			}
			p.judge(t, f.Client)
		})
	}
}

// delay is what a busy machine may add to a wait.
const delay = 15 * time.Second

// judge compares what was told with what the fixture demands.
func (p played) judge(t *testing.T, c wiretest.Client) {
	if p.Error != c.Error {
		t.Errorf("it rejects with %q, want %q", p.Error, c.Error)
	}
	if took := time.Duration(p.MS * float64(time.Millisecond)); took < time.Duration(c.Least) || took > time.Duration(c.Within)+delay {
		t.Errorf("it took %v, want %v to %v", took, time.Duration(c.Least), time.Duration(c.Within))
	}
	if states := slices.Compact(p.States); !slices.Equal(states, c.States) {
		t.Errorf("states %q, want %q", states, c.States)
	}
	if !slices.Equal(p.Events, c.Events) && !(c.Late && len(p.Events) == 0) {
		t.Errorf("events %q, want %q", p.Events, c.Events)
	}
	if c.Error != "" {
		return
	}
	if p.Outcome["code"] != c.Code {
		t.Errorf("the outcome is %v, want %s", p.Outcome, c.Code)
	}
	for name, want := range c.Outcome {
		if p.Outcome[name] != want {
			t.Errorf("the outcome's %s is %v, want %v", name, p.Outcome[name], want)
		}
	}
}

// built returns the file of a module made from the TypeScript.
func built(t *testing.T, entry string) string {
	t.Helper()
	code, err := bundle.Build(entry)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(entry), ".ts")+".mjs")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// run returns the lines that the command prints.
func run(t *testing.T, cmd *exec.Cmd, stdin []byte) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v\n%s", err, &stderr)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// needNode skips the test if Node.js is missing.
func needNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		skip(t, "Node.js is not installed")
	}
	return node
}

// skip skips the test, unless everything it needs must be there.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
		t.Fatal(why + ", and TILLBELL_TEST_REQUIRE_TOOLS=1 demands it")
	}
	t.Skip(why)
}
