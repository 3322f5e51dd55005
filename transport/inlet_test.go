package transport_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/transporttest"
)

// TestInlets says the same to two servers, of which one has the way around net/http and the other not. Both must answer
// the same, and keep or close the connection alike.
func TestInlets(t *testing.T) {
	p := newInlets(t)
	var all []byte
	for _, c := range p.conversations(t) {
		if got := p.compare(t, c.name, c.text); len(got) == 0 {
			t.Errorf("%s: no answer", c.name)
		}
		all = append(all, c.piped...)
	}
	p.compare(t, "all in one", string(all)+leave)
	p.around.Engine.Break()
	p.plain.Engine.Break()
	for _, c := range p.conversations(t) {
		if strings.Contains(c.text, "/sse") { // whose connections are kept where no stream begins
			c.text += leave
		}
		p.compare(t, c.name+", broken engine", c.text)
	}
	const left = "net/http serves all" // in the log
	if runtime.GOOS == "linux" && (!strings.Contains(p.plain.Logged.String(), left) || strings.Contains(p.around.Logged.String(), left)) {
		t.Error("both servers have the same way in")
	}
}

// inlets are two sites with the same source and the same tickets.
type inlets struct {
	around, plain site
	signer        *standard.Signer
	epochs        *strings.Replacer
}

// hidden is a listener of which nobody can say what it is.
type hidden struct{ net.Listener }

func newInlets(t *testing.T) inlets {
	t.Helper()
	o, key, err := standard.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	provider, err := standard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var p inlets
	if p.signer, err = standard.NewSigner(o, key); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var epochs []string
	begin := func(listener net.Listener) site {
		var late atomic.Pointer[callback.Route] // which needs the site's relay
		s := newSite(t, transporttest.Options{
			Network: transporttest.TCP, Origins: []string{"https://shop.example"},
			Server: transport.Options{Listener: listener, Callbacks: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				late.Load().ServeHTTP(w, r)
			})},
		})
		late.Store(callback.NewRoute(callback.RouteOptions{
			Relay: s.Relay, Metrics: s.Metrics, Log: slog.New(slog.DiscardHandler), MaxBody: 1 << 20,
		}, map[string]callback.Source{"erp": {Name: "erp", ProviderName: "standard-webhooks", Provider: provider}}))
		over := event("over", "paid", 1)
		over.Time = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) // of one length on both, as frames say theirs
		at := s.Publish(t, over)
		epochs = append(epochs, at.Epoch, "EPOCH")
		return s
	}
	p.around, p.plain = begin(nil), begin(hidden{ln})
	p.epochs = strings.NewReplacer(epochs...)
	return p
}

// leave is the last request of most of them.
const leave = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// conversation is what one client says. The last of its requests ends the connection.
type conversation struct {
	name, text string
	piped      string // what is said once more, in one packet with others
}

// conversations returns what is worth saying.
func (p inlets) conversations(t *testing.T) []conversation {
	t.Helper()
	var all []conversation
	pipe := func(name, text string) { all = append(all, conversation{name, text + leave, text}) }
	last := func(name, text string) { all = append(all, conversation{name, text, ""}) }
	signed, err := p.signer.Sign(callback.Notification{Payment: "p", Status: relay.Paid, Amount: "5.00", Currency: "EUR"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string, r callback.Request, header string) string {
		var b bytes.Buffer
		b.WriteString("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + header)
		_ = r.Header.Write(&b)
		return b.String() + "\r\n" + string(r.Body)
	}
	length := func(r callback.Request) string { return "Content-Length: " + strconv.Itoa(len(r.Body)) + "\r\n" }
	const erp = "/v1/callbacks/erp"
	genuine := post(erp, signed, length(signed))
	pipe("callback", genuine)
	pipe("duplicates", genuine+genuine+genuine)
	pipe("blank lines", genuine+"\r\n"+genuine)
	pipe("in chunks", strings.Replace(post(erp, signed, "Transfer-Encoding: chunked\r\n"), "\r\n\r\n",
		"\r\n\r\n"+strconv.FormatInt(int64(len(signed.Body)), 16)+"\r\n", 1)+"\r\n0\r\n\r\n")
	last("to close", post(erp, signed, length(signed)+"Connection: close\r\n"))
	pipe("to keep", post(erp, signed, length(signed)+"Connection: keep-alive\r\n"))
	last("expected", post(erp, signed, length(signed)+"Connection: close\r\nExpect: 100-continue\r\n"))
	pipe("unknown source", post("/v1/callbacks/nobody", signed, length(signed)))
	pipe("dot segments", post("/v1/callbacks/../callbacks/erp", signed, length(signed)))
	pipe("two slashes", post("/v1/callbacks//erp", signed, length(signed)))
	pipe("escaped", post("/v1/callbacks/e%72p?a=b;c", signed, length(signed)))
	pipe("too deep", post(erp+"/more", signed, length(signed)))
	bad := signed
	bad.Body = append([]byte(" "), signed.Body...)
	pipe("bad signature", post(erp, bad, length(bad)))
	bad.Header = http.Header{"Webhook-Id": {"a", "b"}}
	pipe("two ids", post(erp, bad, length(bad)))
	bad.Body = bytes.Repeat([]byte("large "), 5<<10)
	pipe("a large one", post(erp, bad, length(bad)))
	bad.Body = nil
	pipe("an empty one", post(erp, bad, length(bad)))
	pipe("no callback", "GET /v1/callbacks/erp HTTP/1.1\r\nHost: x\r\n\r\n")
	last("two lengths", post(erp, signed, length(signed)+"Content-Length: 1\r\n"))
	last("garbage", genuine+"garbage\r\n\r\n")

	p.around.Secret(p.plain.Ticket(t, "over", time.Hour))
	token := p.around.Ticket(t, "over", time.Hour)
	bearer := "Authorization: Bearer " + token + "\r\n"
	get := func(path, header string) string {
		return "GET /v1/payments/" + path + " HTTP/1.1\r\nHost: x\r\n" + header + "\r\n"
	}
	const shake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	for _, name := range []string{"sse", "ws"} {
		pipe(name+" without a ticket", get("over/"+name, ""))
		pipe(name+" with two", get("over/"+name, bearer+bearer))
		pipe(name+" of another", get("p/"+name, bearer))
		pipe(name+", an odd ttl", get("over/"+name+"?ttl=x", bearer))
		pipe(name+", a page's", get("over/"+name, "Origin: https://shop.example\r\n"))
		pipe(name+", another page's", get("over/"+name, "Origin: https://evil.example\r\n"))
		pipe(name+", a cookie", get("over/"+name, "Origin: https://evil.example\r\nCookie: tillbell_ticket="+token+"\r\n"))
		pipe(name+", asked first", strings.Replace(get("over/"+name, "Origin: https://shop.example\r\n"), "GET", "OPTIONS", 1))
		pipe(name+" with a body", get("over/"+name, bearer+"Content-Length: 2\r\n")+"{}")
	}
	last("stream", get("over/sse", bearer))
	last("stream by query", get("~/sse?ticket="+token, ""))
	last("stream, and more", get("over/sse", bearer)+genuine+leave)
	last("callback, stream, garbage", genuine+genuine+get("over/sse", bearer)+"garbage\r\n\r\n")
	last("no more", get("over/sse?ttl=0s", bearer))
	last("old stream", strings.Replace(get("over/sse", bearer), "HTTP/1.1", "HTTP/1.0", 1))
	pipe("no handshake", get("over/ws", bearer))
	pipe("half a handshake", get("over/ws", bearer+"Connection: Upgrade\r\nUpgrade: websocket\r\n"))
	pipe("bad key", get("over/ws", bearer+strings.Replace(shake, "AAA", "", 1)))
	last("socket", get("over/ws", bearer+shake))
	last("socket, and a frame", get("over/ws", bearer+shake)+"\x89\x80abcd")
	pipe("poll", get("over/poll", bearer))
	pipe("snapshot", get("over", bearer))
	return all
}

// said is an answer without what differs from one to the next.
type said struct {
	status int
	header http.Header
	body   string
	close  bool
}

// compare returns the answers.
func (p inlets) compare(t *testing.T, name, text string) []said {
	t.Helper()
	got, want := p.ask(t, p.around, text), p.ask(t, p.plain, text)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%+v, net/http alone\n%+v", name, got, want)
	}
	return got
}

var differs = regexp.MustCompile(`retry: \d+`)

// ask says text and returns the answers until the server closes.
func (p inlets) ask(t *testing.T, s site, text string) []said {
	t.Helper()
	nc, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second)) // which only a server that does not close comes to
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(nc, text)
		sent <- err
	}()
	defer func() { <-sent }()
	plain := func(s string) string { return differs.ReplaceAllString(p.epochs.Replace(s), "") }
	var all []said
	for r := bufio.NewReader(nc); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Errorf("%.60q: %v", text, err)
			}
			return all
		}
		from := io.Reader(resp.Body)
		if resp.StatusCode == http.StatusSwitchingProtocols {
			from = r
		}
		body, err := io.ReadAll(from)
		if err != nil {
			t.Errorf("%.60q: %v", text, err)
		}
		for _, name := range []string{"Date", "Content-Length", "Retry-After"} {
			resp.Header.Del(name)
		}
		all = append(all, said{resp.StatusCode, resp.Header, plain(string(body)), resp.Close})
	}
}
