package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// A Path is one way from a browser to the server. It is a value that does not change.
type Path struct {
	Name  string   // as a row of the table is called
	Needs []string // programs that must be installed; none for what is written here
	HTTP2 bool     // the browser speaks HTTP/2 to it, over TLS with a certificate that it must not check
	Flows bool     // an event stream reaches the browser as it is written, and stays

	life  time.Duration // after which the line cuts a connection, 0 for never
	stage func(ctx context.Context, server, dir string) (stage, error)
}

// A stage is what stands between the line and the server.
type stage struct {
	address string // to which the line connects
	tls     bool   // it speaks TLS there
	forward bool   // it is a forward proxy
	closer  io.Closer
}

// Life is how long a connection lives on the path that cuts connections.
const Life = 5 * time.Second

// Paths returns all paths in the order of the table.
func Paths() []Path {
	return []Path{
		{Name: "none", Flows: true, stage: straight},
		{Name: "nginx, default buffering", Flows: true, Needs: []string{"nginx"}, stage: nginx(nginxDefault)},
		{Name: "nginx, tuned", Flows: true, Needs: []string{"nginx"}, stage: nginx(nginxTuned)},
		{Name: "nginx, HTTP/2", Flows: true, HTTP2: true, Needs: []string{"nginx"}, stage: nginx(nginxHTTP2)},
		{Name: "haproxy", Flows: true, Needs: []string{"haproxy"}, stage: haproxy},
		{Name: "squid, forward", Flows: true, Needs: []string{"squid"}, stage: squid(squidForward)},
		{Name: "squid, reverse", Flows: true, Needs: []string{"squid"}, stage: squid(squidReverse)},
		{Name: "buffers until close", stage: faulty(buffering)},
		{Name: "accepts WebSocket, closes", stage: faulty(hangingUp)},
		{Name: "accepts WebSocket, goes silent", stage: faulty(goingSilent)},
		{Name: "holds the first 1 KiB", stage: faulty(holdingBack)},
		{Name: "cuts every 5 s", life: Life, stage: straight},
		{Name: "black hole", stage: faulty(swallowing)},
		{Name: "black hole after the first frame", stage: faulty(oneFrame)},
		{Name: "black hole but for quick answers", stage: faulty(quickOnly)},
		{Name: "HTTP/2", Flows: true, HTTP2: true, stage: http2},
	}
}

// Missing says what the path needs that is not there, such as "haproxy is not installed". It is "" if nothing is.
func (p Path) Missing() string {
	for _, name := range p.Needs {
		if program(name) == "" {
			return name + " is not installed"
		}
	}
	return ""
}

// program returns where a program is, or "". Distributions put servers where an ordinary user does not look.
func program(name string) string {
	for _, file := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if path, err := exec.LookPath(file); err == nil {
			return path
		}
	}
	return ""
}

// straight is no stage at all.
func straight(_ context.Context, server, _ string) (stage, error) { return stage{address: server}, nil }

// Open starts the path in front of the server at an address such as "127.0.0.1:8080". The server may go away and come back
// there. Programs have their configuration and their log in dir, which no other door may use at the same time. The context
// is for opening alone. The door must be closed.
func (p Path) Open(ctx context.Context, server, dir string) (*Door, error) {
	s, err := p.stage(ctx, server, dir)
	if err != nil {
		return nil, fmt.Errorf("network: open %s: %w", p.Name, err)
	}
	l, err := newLine(ctx, s.address, p.life)
	if err != nil {
		if s.closer != nil {
			err = errors.Join(err, s.closer.Close())
		}
		return nil, fmt.Errorf("network: open %s: %w", p.Name, err)
	}
	d := &Door{URL: "http://" + l.address(), line: l, stage: s.closer}
	switch {
	case s.forward:
		d.URL, d.Proxy = "http://"+server, d.URL
	case s.tls:
		d.URL = "https://" + l.address()
	}
	return d, nil
}

// A Door is the near end of a path that is open. Its methods may be called at the same time.
type Door struct {
	URL   string // of the server as the browser knows it: scheme, host and port
	Proxy string // of a forward proxy, as Chromium takes it for --proxy-server, together with --proxy-bypass-list=<-loopback>; else ""

	line  *line
	stage io.Closer // nil for none
}

// Cut resets every connection between the browser and the path, and returns when that is done. Connections that are made
// afterwards go through.
func (d *Door) Cut() { d.line.cut() }

// Close resets every connection, ends what the path consists of and waits for it.
func (d *Door) Close() error {
	err := d.line.close()
	if d.stage != nil {
		err = errors.Join(err, d.stage.Close())
	}
	if err != nil {
		return fmt.Errorf("network: close: %w", err)
	}
	return nil
}
