package official_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// node is judge.mjs, which serves all tests: most of the time goes into loading the packages.
var node struct {
	mu      sync.Mutex // one asks at a time
	process *exec.Cmd  // nil until the first question
	in      io.WriteCloser
	out     *json.Decoder
}

func TestMain(m *testing.M) {
	code := m.Run()
	if node.process != nil {
		node.in.Close()
		node.process.Wait()
	}
	os.Exit(code)
}

// question is one line to judge.mjs, which says what its members are.
type question struct {
	Do      string              `json:"do"`
	Tool    string              `json:"tool"`
	Config  map[string]any      `json:"config"`
	Now     int64               `json:"now"`
	Method  string              `json:"method"`
	Path    string              `json:"path"`
	Headers map[string][]string `json:"headers"`
	Body    []byte              `json:"body"`
	Typed   bool                `json:"typed,omitempty"`
}

// about returns the question what a judge thinks of a callback.
func about(name string, section map[string]any, r callback.Request, now time.Time) question {
	return question{Do: "verify", Tool: name, Config: section, Now: now.Unix(), Method: r.Method, Path: r.URL.String(),
		Headers: r.Header, Body: r.Body}
}

// answer is one line of judge.mjs.
type answer struct {
	Accept  bool              `json:"accept"`
	Detail  string            `json:"detail"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

// ask returns the answers to the questions, in their order.
func ask(t *testing.T, questions []question) []answer {
	t.Helper()
	if len(questions) == 0 {
		t.Fatal("there is nothing to ask")
	}
	node.mu.Lock()
	defer node.mu.Unlock()
	if node.process == nil {
		start(t)
	}
	sent := make(chan error, 1) // while answers are read: pipes hold little
	go func() {
		lines := json.NewEncoder(node.in)
		for _, q := range questions {
			if err := lines.Encode(q); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	answers := make([]answer, len(questions))
	for i := range answers {
		if err := node.out.Decode(&answers[i]); err != nil {
			t.Fatalf("answer %d of %d: %v", i+1, len(questions), err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	return answers
}

// start leaves judge.mjs running. It ends with its stdin, so at the latest with this process.
func start(t *testing.T) {
	t.Helper()
	process := exec.Command("node", "judge.mjs")
	process.Dir, process.Stderr = "testdata/npm", os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	node.process, node.in, node.out = process, in, json.NewDecoder(out)
}

// needNode skips the test if Node.js or the npm packages are missing.
func needNode(t *testing.T) {
	t.Helper()
	what := ""
	if _, err := exec.LookPath("node"); err != nil {
		what = "node is not installed"
	} else if _, err := os.Stat("testdata/npm/node_modules"); err != nil {
		what = "the npm packages are not installed: run make clients"
	}
	switch {
	case what == "":
	case os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1":
		t.Fatal(what + ", and TILLBELL_TEST_REQUIRE_TOOLS=1 demands it")
	default:
		t.Skip(what)
	}
}
