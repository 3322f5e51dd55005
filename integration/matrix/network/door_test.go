package network

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCut cuts a poll on each path while the server has it, and asks again.
func TestCut(t *testing.T) {
	for _, p := range Paths() {
		t.Run(p.Name, func(t *testing.T) {
			o := newOrigin(t)
			d := open(t, p, o.address())
			c := browser(t, d, p.HTTP2)
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			failed := make(chan error)
			go func() {
				r, err := c.Do(request(ctx, d.URL+"/poll"))
				if err == nil {
					r.Body.Close()
				}
				failed <- err
			}()
			select {
			case <-o.asked:
			case <-ctx.Done():
				t.Fatal("the poll does not arrive")
			}
			d.Cut()
			if err := <-failed; err == nil || ctx.Err() != nil {
				t.Errorf("a poll that was cut ends with %v", err)
			}
			short(t, c, d, p.HTTP2)
		})
	}
}

// TestLife lets a stream begin on a path that cuts, which then breaks off with a reset.
func TestLife(t *testing.T) {
	o := newOrigin(t)
	d := open(t, Path{Name: "cuts", life: while, stage: straight}, o.address())
	for range 2 {
		c := browser(t, d, false)
		r, err := c.Do(request(t.Context(), d.URL+"/stream"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the stream ends with %v, want a reset", err)
		}
		if !strings.Contains(string(b), "data: first\n\n") {
			t.Errorf("before the cut came %q", b)
		}
	}
}

// TestRestart has the server go away and come back at the same address, while the path stays.
func TestRestart(t *testing.T) {
	for _, p := range Paths() {
		t.Run(p.Name, func(t *testing.T) {
			address, stop := serve(t, "127.0.0.1:0")
			d := open(t, p, address)
			c := browser(t, d, p.HTTP2)
			short(t, c, d, p.HTTP2)
			stop()
			if r, err := c.Do(request(t.Context(), d.URL+"/short")); err == nil {
				r.Body.Close()
				if r.StatusCode < 500 {
					t.Errorf("without a server: %s", r.Status)
				}
			}
			_, stop = serve(t, address)
			defer stop()
			short(t, c, d, p.HTTP2)
		})
	}
}

// serve runs a server that gives short answers.
func serve(t *testing.T, address string) (at string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "short") })}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Serve(l)
	}()
	return l.Addr().String(), func() {
		s.Close()
		<-ended
	}
}

// TestClose closes each path while a poll, a stream and a WebSocket are open. What is left running, TestMain sees.
func TestClose(t *testing.T) {
	for _, p := range Paths() {
		t.Run(p.Name, func(t *testing.T) {
			o := newOrigin(t)
			if what := p.Missing(); what != "" {
				missing(t, what)
			}
			d, err := p.Open(t.Context(), o.address(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			c := browser(t, d, p.HTTP2)
			ended := make(chan struct{})
			for _, path := range []string{"/stream", "/poll"} {
				go func() {
					if r, err := c.Do(request(t.Context(), d.URL+path)); err == nil {
						io.Copy(io.Discard, r.Body)
						r.Body.Close()
					}
					ended <- struct{}{}
				}()
			}
			<-o.asked
			ws := upgrade(t, d)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			<-ended
			<-ended
			ws.SetReadDeadline(time.Now().Add(soon))
			if _, err := io.Copy(io.Discard, ws); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("a WebSocket outlives the door")
			}
			address := strings.TrimPrefix(strings.TrimPrefix(d.line.address(), "http://"), "https://")
			if conn, err := net.Dial("tcp4", address); err == nil {
				conn.Close()
				t.Error("it listens after Close")
			}
		})
	}
}

// upgrade asks for a WebSocket and returns the connection without waiting for an answer, in plain text even where the
// path has TLS.
func upgrade(t *testing.T, d *Door) net.Conn {
	t.Helper()
	ws, err := net.Dial("tcp4", d.line.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	io.WriteString(ws, "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n")
	return ws
}

// mark makes this test binary open a path and say where, until it is killed.
const mark = "NETWORK_TEST_ORPHAN"

// TestOrphan kills a program that has a path open.
func TestOrphan(t *testing.T) {
	if name, dir, ok := strings.Cut(os.Getenv(mark), ":"); ok {
		orphan(t, name, dir)
	}
	for _, p := range Paths() {
		if p.Needs == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			if what := p.Missing(); what != "" {
				missing(t, what)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestOrphan$")
			cmd.Env = append(os.Environ(), mark+"="+p.Name+":"+t.TempDir())
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			address, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp4", strings.TrimSpace(address))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			cmd.Process.Kill()
			conn.SetReadDeadline(time.Now().Add(soon))
			if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s outlives the program", p.Needs)
			}
		})
	}
}

// orphan opens a path and never returns.
func orphan(t *testing.T, name, dir string) {
	for _, p := range Paths() {
		if p.Name != name {
			continue
		}
		s, err := p.stage(t.Context(), "127.0.0.1:1", dir)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(os.Stdout, s.address+"\n")
		select {}
	}
}
