package integration_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds everything that a test waits for and that should come at once. It is long because the race detector
// and a busy machine are slow, not because anything takes long.
const patience = 20 * time.Second

// logbook is what a process wrote to its log, line by line. It may be read while it is written.
type logbook struct {
	mu      sync.Mutex
	rest    []byte // of a line that has not ended
	lines   []string
	changed chan struct{} // closed with the next line

	complete chan struct{} // closed when the process is gone
}

func newLogbook() *logbook {
	return &logbook{changed: make(chan struct{}), complete: make(chan struct{})}
}

// Write takes what the process wrote.
func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		l.lines = append(l.lines, string(line))
		l.rest = bytes.Clone(rest)
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return len(p), nil
}

// String returns all of the log.
func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n") + string(l.rest)
}

// excerpt returns the log without what fx says of how it puts the program together.
func (l *logbook) excerpt() string {
	lines := slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return slices.ContainsFunc([]string{`"stacktrace"`, `"callee"`, `"kind"`}, func(s string) bool { return strings.Contains(line, s) })
	})
	return strings.Join(lines, "\n")
}

// entry is one line of a JSON log.
type entry map[string]any

func (e entry) text(member string) string {
	s, _ := e[member].(string)
	return s
}

// find returns the entries with the message.
func (l *logbook) find(message string) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []entry
	for _, line := range l.lines {
		var e entry
		if json.Unmarshal([]byte(line), &e) == nil && e.text("msg") == message {
			found = append(found, e)
		}
	}
	return found
}

// await waits for the entry number n, from 0, with the message.
func (l *logbook) await(t *testing.T, message string, n int) entry {
	t.Helper()
	over := time.After(patience)
	for {
		complete := isClosed(l.complete)
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if found := l.find(message); len(found) > n {
			return found[n]
		}
		if complete {
			t.Fatalf("the process is gone, and its log does not say %q:\n%s", message, l.excerpt())
		}
		select {
		case <-changed:
		case <-l.complete:
		case <-over:
			t.Fatalf("the log does not say %q within %s:\n%s", message, patience, l.excerpt())
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// check fails the test over what must never be in a log: a data race, and a secret.
func (l *logbook) check(t *testing.T, secrets []string) {
	t.Helper()
	text := l.String()
	if strings.Contains(text, "DATA RACE") {
		t.Error("the race detector found a data race")
	}
	for _, crash := range []string{`"msg":"panic"`, "goroutine 1 ["} {
		if strings.Contains(text, crash) {
			t.Errorf("the log has %q", crash)
		}
	}
	for _, secret := range slices.Compact(secrets) {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("the log holds a secret or a ticket, which begins with %.12s", secret)
		}
	}
}
