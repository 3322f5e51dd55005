package network

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// What must come has soon to come; what must not come has a while to show that it does not.
const (
	soon  = 20 * time.Second
	while = 200 * time.Millisecond
)

// origin is the server behind a path. It says what it is told to.
type origin struct {
	*httptest.Server
	asked chan struct{} // a value for each poll that has come
	reply chan string   // what one poll is answered
	tell  chan string   // the stream's events; it ends when this is closed
}

func newOrigin(t *testing.T) *origin {
	o := &origin{asked: make(chan struct{}, 10), reply: make(chan string), tell: make(chan string)}
	routes := http.NewServeMux()
	routes.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "short") })
	routes.HandleFunc("/host", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
	routes.HandleFunc("/poll", o.poll)
	routes.HandleFunc("/stream", o.stream)
	routes.HandleFunc("/ws", o.echo)
	o.Server = httptest.NewServer(routes)
	t.Cleanup(o.Server.Close)
	return o
}

func (o *origin) address() string { return strings.TrimPrefix(o.URL, "http://") }

func (o *origin) poll(w http.ResponseWriter, r *http.Request) {
	o.asked <- struct{}{}
	select {
	case s := <-o.reply:
		io.WriteString(w, s)
	case <-r.Context().Done():
	}
}

// stream says "first" at once. It has the headers that Tillbell's has, but with ?plain only the type, and no chunks: nginx
// passes a chunk on when it is complete, whatever it is told of buffering.
func (o *origin) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	if r.URL.Query().Has("plain") {
		w.Header().Set("Transfer-Encoding", "identity")
	} else {
		w.Header().Set("Cache-Control", "no-cache, no-transform")
		w.Header().Set("X-Accel-Buffering", "no")
	}
	flow := http.NewResponseController(w)
	fmt.Fprint(w, "retry: 1000\n\nevent: state\ndata: first\n\n")
	flow.Flush()
	for {
		select {
		case s, ok := <-o.tell:
			if !ok {
				return
			}
			fmt.Fprintf(w, "data: %s\n\n", s)
			flow.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// echo says a first message of some length at once.
func (o *origin) echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"one"}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	err = c.Write(r.Context(), websocket.MessageText, []byte(strings.Repeat("first", 100)))
	for err == nil {
		var kind websocket.MessageType
		var b []byte
		if kind, b, err = c.Read(r.Context()); err == nil {
			err = c.Write(r.Context(), kind, b)
		}
	}
}

// browser returns a client that goes to a door as Chromium does.
func browser(t *testing.T, d *Door, http2 bool) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: http2}
	if d.Proxy != "" {
		proxy, err := url.Parse(d.Proxy)
		if err != nil {
			t.Fatal(err)
		}
		tr.Proxy = http.ProxyURL(proxy)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// tunnel returns a client for WebSockets, which go through a forward proxy by CONNECT (RFC 6455, section 4.1).
func tunnel(t *testing.T, d *Door) *http.Client {
	c := browser(t, d, false)
	tr := c.Transport.(*http.Transport)
	if d.Proxy == "" {
		return c
	}
	tr.Proxy = nil
	tr.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(d.Proxy, "http://"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", to)
		r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
		if err == nil && r.StatusCode != http.StatusOK {
			err = errRefused
		}
		if err != nil {
			conn.Close()
			return nil, err
		}
		return conn, nil
	}
	return c
}

// open opens a path to a server and closes it with the test.
func open(t *testing.T, p Path, server string) *Door {
	t.Helper()
	if what := p.Missing(); what != "" {
		missing(t, what)
	}
	d, err := p.Open(t.Context(), server, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
