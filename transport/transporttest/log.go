package transporttest

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// Log is a log in memory.
type Log struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // closed by the next Write if somebody waits
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.buf.Write(p)
}

// Await waits until the log has the text n times, and fails the test after 20 s.
func (l *Log) Await(t testing.TB, n int, text string) {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		l.mu.Lock()
		if bytes.Count(l.buf.Bytes(), []byte(text)) >= n {
			l.mu.Unlock()
			return
		}
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		select {
		case <-more:
		case <-late.C:
			t.Fatalf("not logged %d times: %s\n%.4000s", n, text, l.String())
		}
	}
}

// String returns all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
