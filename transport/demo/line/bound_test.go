package line

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a connection whose ends are the test's.
func pipe(g *gate) (c *connection, page, server net.Conn) {
	c = &connection{gate: g, over: make(chan struct{})}
	c.page, page = net.Pipe()
	c.server, server = net.Pipe()
	return c, page, server
}

// TestTimes: a frozen line thaws by itself after Limit, a slow one passes what it is given Lag later, and is fast again
// after Limit.
func TestTimes(t *testing.T) {
	for _, test := range []struct {
		mode  mode
		after time.Duration // of which the server writes
		want  time.Duration
	}{
		{open, 0, 0},
		{frozen, 0, Limit},
		{frozen, 20 * time.Second, Limit - 20*time.Second},
		{frozen, Limit, 0},
		{slow, 0, Lag},
		{slow, 20 * time.Second, Lag},
		{slow, Limit - Lag/2, Lag / 2},
		{slow, Limit, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate(nil)
			c, page, server := pipe(g)
			passed := make(chan struct{})
			go func() {
				defer close(passed)
				c.pass(c.page, c.server)
			}()
			g.set(test.mode)
			time.Sleep(test.after)
			begin := time.Now()
			if _, err := server.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := page.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took != test.want {
				t.Errorf("mode %d, written after %s: passed after %s, want %s", test.mode, test.after, took, test.want)
			}
			c.end()
			<-passed
		})
	}
}

// TestEnd: a frozen line holds back the server's end too.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(nil)
		c, page, server := pipe(g)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.run(httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody), c.page)
		}()
		if _, err := http.ReadRequest(bufio.NewReader(server)); err != nil {
			t.Fatal(err)
		}
		g.set(frozen)
		begin := time.Now()
		_ = server.Close()
		if _, err := page.Read(make([]byte, 1)); err != io.EOF || time.Since(begin) != Limit {
			t.Errorf("the page reads %v after %s, want the end after %s", err, time.Since(begin), Limit)
		}
		<-ended
	})
}

// TestModes: what is held back goes by the mode that it is changed to.
func TestModes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, begin := newGate(nil), time.Now()
		g.set(frozen)
		passed := make(chan time.Duration)
		go func() {
			g.pass(nil)
			passed <- time.Since(begin)
		}()
		time.Sleep(Lag / 2)
		g.set(frozen) // once more, for as long again
		time.Sleep(Limit - Lag/4)
		g.set(slow)
		if took := <-passed; took != Limit+Lag/4 {
			t.Errorf("passed after %s, want %s", took, Limit+Lag/4)
		}
	})
}

// TestOver: nobody waits at the gate of a line that has ended, or of a server that drains.
func TestOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		close(closed)
		begin := time.Now()
		g := newGate(nil)
		g.set(frozen)
		g.pass(closed)
		g = newGate(closed)
		g.set(frozen)
		g.pass(nil)
		if took := time.Since(begin); took != 0 {
			t.Errorf("waited %s", took)
		}
	})
}

// TestBounds: connections and faults are bounded, and what is over is forgotten.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(nil)
		for i := range maxFaults {
			if _, err := l.Do(fmt.Sprint("p", i), "freeze"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Do("q", "freeze"); !errors.Is(err, ErrMany) {
			t.Errorf("one fault too many: %v", err)
		}
		if _, err := l.Do("p1", "thaw"); err != nil {
			t.Errorf("thaw: %v", err)
		}
		if _, err := l.Do("q", "slow"); err != nil {
			t.Errorf("slow, after a thaw: %v", err)
		}
		time.Sleep(Limit)
		var laid []*connection
		for i := range maxLines {
			c, err := l.add(fmt.Sprint("r", i%7))
			if err != nil {
				t.Fatal(err)
			}
			laid = append(laid, c)
		}
		if len(l.gates) != 7 {
			t.Errorf("%d gates are left of faults that are over, want those of 7 payments", len(l.gates))
		}
		if _, err := l.add("s"); err == nil {
			t.Errorf("%d connections are open at once", len(l.open))
		}
		l.remove(laid[0])
		if _, err := l.add("s"); err != nil {
			t.Errorf("after one has left: %v", err)
		}
	})
}

// TestCutWhileLaid: who is cut before its ends are there gets none.
func TestCutWhileLaid(t *testing.T) {
	l := New(nil)
	c, err := l.add("p")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := l.Do("p", "cut"); n != 1 || err != nil {
		t.Errorf("cut: %d connections, %v", n, err)
	}
	end, other := net.Pipe()
	if c.connect(end) {
		t.Error("a line that was cut takes a server")
	}
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("the server's end is left open")
	}
}
