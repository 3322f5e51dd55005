//go:build linux

package site

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// get asks for a path and returns the status and the body, which is nil if there was no whole answer.
func get(t *testing.T, address, path string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode, body
}

func open(t *testing.T, server string) *front {
	t.Helper()
	f, err := newFront(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestFront: pages are the front's own, and all else is the server's, who sees the host that the browser knows. A server
// that is gone is a connection that is reset, and no answer of the front's.
func TestFront(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, r.Host, r.URL.Path)
	}))
	defer server.Close()
	f := open(t, server.Listener.Addr().String())
	if status, body := get(t, f.address(), PagePath+"?payment=a"); status != http.StatusOK || !bytes.Equal(body, checkout) {
		t.Errorf("the page: %d %s", status, body)
	}
	if status, body := get(t, f.address(), ElsewherePath); status != http.StatusOK || !bytes.Equal(body, elsewhere) {
		t.Errorf("the page elsewhere: %d %s", status, body)
	}
	if status, body := get(t, f.address(), "/client.js"); status != http.StatusAccepted || string(body) != f.address()+"/client.js" {
		t.Errorf("the server: %d %s", status, body)
	}
	server.Close()
	if status, body := get(t, f.address(), "/client.js"); status != 0 {
		t.Errorf("a server that is gone: %d %s", status, body)
	}
}

// TestStream: what the server writes reaches the browser before the answer is complete, and ends with it.
func TestStream(t *testing.T) {
	next := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, part := range []string{"one\n", "two\n"} {
			fmt.Fprint(w, part)
			w.(http.Flusher).Flush()
			<-next
		}
	}))
	defer server.Close()
	f := open(t, server.Listener.Addr().String())
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", f.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /sse HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", f.address())
	var text strings.Builder
	buf := make([]byte, 1024)
	for _, want := range []string{"one\n", "two\n"} {
		for !strings.Contains(text.String(), want) {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("%q: %v", text.String(), err)
			}
			text.Write(buf[:n])
		}
		next <- struct{}{}
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Error(err)
	}
}

// TestShop: the shop elsewhere has pages and nothing of the server's.
func TestShop(t *testing.T) {
	f := open(t, "")
	if status, _ := get(t, f.address(), PagePath); status != http.StatusOK {
		t.Errorf("the page: %d", status)
	}
	if status, _ := get(t, f.address(), "/client.js"); status != http.StatusNotFound {
		t.Errorf("the client: %d", status)
	}
}
