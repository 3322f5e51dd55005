package front

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// site is a Front with net/http behind it. What it logs is lost.
type site struct {
	*Front
	server *http.Server
	addr   string
	served chan error
}

// newSite returns a running site, which stops when the test ends. Zero fields of o are filled.
func newSite(t testing.TB, o Options) *site {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newSiteOn(t, ln, o)
}

func newSiteOn(t testing.TB, ln net.Listener, o Options) *site {
	t.Helper()
	o.Handler = cmp.Or[http.Handler](o.Handler, http.HandlerFunc(echo))
	if o.Takes == nil {
		o.Takes = hot
	}
	o.RequestTime, o.IdleTime = cmp.Or(o.RequestTime, time.Minute), cmp.Or(o.IdleTime, time.Minute)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	f, err := New(ln, o)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Front: f, addr: ln.Addr().String(), served: make(chan error, 1), server: &http.Server{
		Handler: o.Handler, ReadHeaderTimeout: o.RequestTime, IdleTimeout: o.IdleTime, ErrorLog: quiet,
		DisableGeneralOptionsHandler: true,
	}}
	go func() { s.served <- s.server.Serve(f.Rest()) }()
	t.Cleanup(func() { s.stop(t) })
	return s
}

// stop stops s as its owner does. It may be called twice.
func (s *site) stop(t testing.TB) {
	if s.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	s.closeRest(t)
}

// closeRest stops net/http, and then all.
func (s *site) closeRest(t testing.TB) {
	if err := s.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	s.Close()
	<-s.served
	s.server = nil
}

// echo answers with what was asked, and who answers.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if _, ok := w.(*exchange); ok {
		w.Header().Set("X-Front", "yes")
	}
	_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(body))
}

// peer is a client below HTTP.
type peer struct {
	*net.TCPConn
	*bufio.Reader
	t testing.TB
}

func (s *site) dial(t testing.TB) *peer {
	t.Helper()
	nc, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &peer{nc.(*net.TCPConn), bufio.NewReader(nc), t}
}

func (p *peer) Read(b []byte) (int, error) { return p.Reader.Read(b) }

func (p *peer) WriteTo(w io.Writer) (int64, error) { return p.Reader.WriteTo(w) }

func (p *peer) say(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.TCPConn, text); err != nil {
		p.t.Fatal(err)
	}
}

// hear reads one answer.
func (p *peer) hear() (*http.Response, string) {
	p.t.Helper()
	resp, err := http.ReadResponse(p.Reader, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp, string(body)
}

// expect reads one answer, which must be this one and come from the front or from net/http.
func (p *peer) expect(body string, front bool) {
	p.t.Helper()
	resp, got := p.hear()
	if resp.StatusCode != 200 || got != body || (resp.Header.Get("X-Front") == "yes") != front {
		p.t.Errorf("%s %q with %v, want %q", resp.Status, got, resp.Header, body)
	}
}

// expectEnd reads the end, and nothing before.
func (p *peer) expectEnd() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.Reader); err != nil || len(rest) != 0 {
		p.t.Errorf("%q, %v, want the end", rest, err)
	}
}

const (
	get  = "GET /p/sse HTTP/1.1\r\nHost: x\r\n\r\n"
	post = "POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	cold = "GET /cold HTTP/1.1\r\nHost: x\r\n\r\n"

	got      = "GET /p/sse "
	posted   = "POST /hot/a {}"
	answered = "GET /cold "
)

// closing returns the request with the wish to close behind it.
func closing(request string) string {
	return strings.Replace(request, "Host: x\r\n", "Host: x\r\nConnection: close\r\n", 1)
}
