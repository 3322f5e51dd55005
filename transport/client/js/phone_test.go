package js_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// phone runs the client for WeChat in Node.js, with a stand-in of its runtime.
type phone struct {
	*shop
	asked chan string // the way of each request
	stdin io.Writer
	lines chan said
	told  []string // so far
	over  *said    // how the last wait ended, once it has
}

// said is a line that the phone prints.
type said struct {
	Did, Told   string
	Outcome     *outcome
	Error, Code string
	Stored      map[string]string
}

func newPhone(t *testing.T) *phone {
	t.Helper()
	node := needNode(t)
	wsModule, err := filepath.Abs(wsPackage)
	if err == nil {
		_, err = os.Stat(wsModule)
	}
	if err != nil {
		skip(t, "the npm package ws is not installed: run make clients")
	}
	within, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &phone{shop: newServer(t, within, "ws"), asked: make(chan string, 100), lines: make(chan said, 100)}
	p.intercept(p.note)
	cmd := exec.Command(node, "--experimental-vm-modules", "--no-warnings",
		"testdata/miniprogram/phone.mjs", built(t, "src/miniprogram.ts"), wsModule)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(p.lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			var line said
			if err := json.Unmarshal(in.Bytes(), &line); err != nil {
				t.Errorf("%v: %s", err, in.Bytes())
			}
			p.lines <- line
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &stderr)
		}
	})
	return p
}

// note is what a phone's server does with each request, unless a test says otherwise.
func (p *phone) note(way string, _ http.ResponseWriter, _ *http.Request) bool {
	p.asked <- way
	return false
}

// refuse answers requests of the way with the status.
func (p *phone) refuse(refused string, status int) {
	p.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		p.asked <- way
		if way == refused {
			http.Error(w, "refused", status)
		}
		return way == refused
	})
}

// do has the phone do something, and returns when it has.
func (p *phone) do(command string, arguments map[string]any) {
	p.t.Helper()
	line := map[string]any{"do": command}
	for name, argument := range arguments {
		line[name] = argument
	}
	if err := json.NewEncoder(p.stdin).Encode(line); err != nil {
		p.t.Fatal(err)
	}
	p.until(func(s said) bool { return s.Did == command })
}

// until reads what the phone says up to a line, which it returns.
func (p *phone) until(is func(said) bool) said {
	p.t.Helper()
	for {
		select {
		case line, ok := <-p.lines:
			switch {
			case !ok:
				p.t.Fatal("the phone is off")
			case line.Told != "":
				p.told = append(p.told, line.Told)
			case line.Outcome != nil || line.Error != "":
				p.over = &line
			}
			if is(line) {
				return line
			}
		case <-p.page.Done():
			p.t.Fatalf("the phone says no more; it was told %q", p.told)
		}
	}
}

// begin starts the mini-program, which awaits the payment.
func (p *phone) begin(urlOrPayment, token string) {
	p.t.Helper()
	p.beginAt(p.web.URL, urlOrPayment, token)
}

func (p *phone) beginAt(base, urlOrPayment, token string) {
	p.t.Helper()
	p.over = nil
	p.do("begin", map[string]any{"payment": urlOrPayment, "options": map[string]any{"ticket": token, "base": base}})
}

// untilTold waits until the mini-program is told something.
func (p *phone) untilTold(what string) {
	p.t.Helper()
	if !slices.Contains(p.told, what) {
		p.until(func(s said) bool { return s.Told == what })
	}
}

// untilAsked waits until the server is asked in the way.
func (p *phone) untilAsked(way string) {
	p.t.Helper()
	for receive(p.shop, p.asked) != way {
	}
}

// untilOver returns what the wait came to.
func (p *phone) untilOver() said {
	p.t.Helper()
	if p.over == nil {
		p.until(func(said) bool { return p.over != nil })
	}
	return *p.over
}

// wantPaid checks that the wait ends with the payment, and leaves nothing behind.
func (p *phone) wantPaid() {
	p.t.Helper()
	s := p.untilOver()
	if s.Outcome == nil {
		p.t.Fatalf("it rejects with %s", s.Error)
	}
	if o := *s.Outcome; o.Payment != payment || o.Status != "paid" || !o.Final || o.Code != "done" || o.Amount != "129.00" {
		p.t.Errorf("the outcome is %+v", o)
	}
	p.do("rest", nil)
}

// untilParked waits until the mini-program was told the state over its socket.
func (p *phone) untilParked() {
	p.t.Helper()
	p.untilTold("state pending")
	receive(p.shop, p.parked)
}
