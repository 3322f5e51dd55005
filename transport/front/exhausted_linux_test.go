package front

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// few is how many descriptors the server of TestExhausted has, and fewEnv says that this process is it.
const (
	few    = 64
	fewEnv = "TEST_FRONT_FEW"
)

// TestExhausted has more idle clients than the server has descriptors, some of which have asked before. Who asks is
// answered all the same, by net/http too, which needs one more descriptor for a moment.
func TestExhausted(t *testing.T) {
	if os.Getenv(fewEnv) != "" {
		serveFew(t)
		return
	}
	s := startFew(t)
	for i := range 3 * few {
		p := s.dial(t)
		if i%3 == 0 {
			p.say(post)
			p.expect(posted, true)
		}
	}
	for range few {
		p := s.dial(t)
		p.say(post)
		p.expect(posted, true)
	}
	for range few / 4 {
		p := s.dial(t)
		p.say(closing(cold))
		p.expect(answered, false)
		p.expectEnd()
	}
}

// TestExhaustedBusy has the descriptors taken by requests that are under way. Others wait until there is one.
func TestExhaustedBusy(t *testing.T) {
	s := startFew(t)
	var busy []*peer
	for range few - 1 { // some of which are not accepted yet
		p := s.dial(t)
		p.say(hold)
		busy = append(busy, p)
	}
	late := s.dial(t)
	late.say(post)
	if line, err := s.out.ReadString('\n'); err != nil || !strings.Contains(line, "msg=accept ") {
		t.Fatalf("logged: %q, %v", line, err)
	}
	for range few - 1 {
		fmt.Fprintln(s.in)
	}
	late.expect(posted, true)
	for _, p := range busy {
		p.expect(posted, true)
	}
}

// remote is a site in another process.
type remote struct {
	site
	in  io.Writer     // takes a line for each held request that is let go
	out *bufio.Reader // has what is logged
}

func startFew(t *testing.T) *remote {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestExhausted$")
	c.Env = append(os.Environ(), fewEnv+"=yes")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		rest, _ := io.ReadAll(lines)
		if err := c.Wait(); err != nil {
			t.Errorf("%v\n%s", err, rest)
		}
	})
	return &remote{site{addr: strings.TrimSpace(addr)}, in, lines}
}

// serveFew serves until its input ends.
func serveFew(t *testing.T) {
	limit := unix.Rlimit{Cur: few, Max: few}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	h := held{make(chan struct{}, few), make(chan struct{})}
	s := newSite(t, Options{Handler: h, Log: slog.New(slog.NewTextHandler(os.Stdout, nil))})
	fmt.Println(s.addr)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		h.release <- struct{}{}
	}
}
