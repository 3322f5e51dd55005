package network

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// What a path does to a stream or a WebSocket.
const (
	flows   = "flows"              // everything comes at once
	held    = "is held"            // it comes when the server has ended it
	begins  = "begins"             // the first frame comes, and then nothing
	nothing = "is never seen"      // not even a header
	refused = "is refused"         // another status than 101
	dropped = "accepted, dropped"  // the connection ends behind the 101
	muted   = "accepted, no frame" // nothing comes behind the 101
)

var errRefused = errors.New("refused")

// behaviour is what each path is there for.
var behaviour = map[string]struct{ stream, socket string }{
	"none":                             {flows, flows},
	"nginx, default buffering":         {flows, refused}, // flows by X-Accel-Buffering
	"nginx, tuned":                     {flows, flows},
	"nginx, HTTP/2":                    {flows, flows},
	"haproxy":                          {flows, flows},
	"squid, forward":                   {flows, refused},
	"squid, reverse":                   {flows, refused},
	"buffers until close":              {held, refused},
	"accepts WebSocket, closes":        {held, dropped},
	"accepts WebSocket, goes silent":   {held, muted},
	"holds the first 1 KiB":            {held, flows},
	"cuts every 5 s":                   {flows, flows},
	"black hole":                       {nothing, nothing},
	"black hole after the first frame": {begins, begins},
	"black hole but for quick answers": {nothing, nothing},
	"HTTP/2":                           {flows, flows},
}

func TestPaths(t *testing.T) {
	if len(Paths()) != len(behaviour) {
		t.Errorf("%d paths, %d are known", len(Paths()), len(behaviour))
	}
	for _, p := range Paths() {
		want, ok := behaviour[p.Name]
		if !ok {
			t.Errorf("%q is not known", p.Name)
		}
		t.Run(p.Name, func(t *testing.T) {
			o := newOrigin(t)
			d := open(t, p, o.address())
			c := browser(t, d, p.HTTP2)
			short(t, c, d, p.HTTP2)
			_, host, _ := strings.Cut(d.URL, "://")
			if p.Name == "nginx, default buffering" {
				host = o.address() // its proxy_pass says so
			}
			if _, got := get(t, c, d.URL+"/host"); got != host {
				t.Errorf("the server is asked as %q, want %q", got, host)
			}
			if got := poll(t, o, c, d); got != "told" {
				t.Errorf("a poll is answered %q", got)
			}
			if got := socket(t, d, want.socket); got != want.socket {
				t.Errorf("a WebSocket %s, want %s", got, want.socket)
			}
			if got := stream(t, o, c, d.URL+"/stream", want.stream); got != want.stream {
				t.Errorf("a stream %s, want %s", got, want.stream)
			}
			if p.Flows && want.stream != flows {
				t.Error("it says that streams flow")
			}
		})
	}
}

// short asks for something that is answered at once.
func short(t *testing.T, c *http.Client, d *Door, http2 bool) {
	t.Helper()
	r, body := get(t, c, d.URL+"/short")
	if body != "short" {
		t.Errorf("short: %s, %d bytes", r.Status, len(body))
	}
	if (r.ProtoMajor == 2) != http2 || (r.TLS != nil) != http2 {
		t.Errorf("over %s, TLS %v", r.Proto, r.TLS != nil)
	}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	r, err := c.Do(request(ctx, url))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}

func request(ctx context.Context, url string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	return r
}

// poll answers a poll when it has come to the server.
func poll(t *testing.T, o *origin, c *http.Client, d *Door) string {
	t.Helper()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		<-o.asked
		o.reply <- "told"
	}()
	_, body := get(t, c, d.URL+"/poll")
	<-answered
	return body
}

// waitFor is how long something is waited for, by whether it should come.
func waitFor(it bool) time.Duration {
	if it {
		return soon
	}
	return while
}

// stream reads a stream, has the server say something more, and end it if that is not seen. It returns what the path does
// to the stream; what is wanted decides how patient it is.
func stream(t *testing.T, o *origin, c *http.Client, url, want string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan string)
	go func() {
		defer close(events)
		r, err := c.Do(request(ctx, url))
		if err != nil {
			return
		}
		defer r.Body.Close()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- data
			}
		}
	}()
	defer func() {
		cancel()
		for range events {
		}
	}()
	came := func(data string, should bool) bool {
		select {
		case got, ok := <-events:
			if ok && got != data {
				t.Fatalf("event %q, want %q", got, data)
			}
			return ok
		case <-time.After(waitFor(should)):
			return false
		}
	}
	first := came("first", want == flows || want == begins)
	o.tell <- "second"
	if first && came("second", want == flows) {
		return flows
	}
	close(o.tell)
	switch {
	case first && !came("second", false):
		return begins
	case !first && came("first", want == held) && came("second", want == held):
		return held
	case !first && want == nothing:
		return nothing
	}
	return "is spoiled otherwise"
}

// socket opens a WebSocket, reads its first message and has another echoed. It returns what the path does to it; what is
// wanted decides how patient it is.
func socket(t *testing.T, d *Door, want string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitFor(want == flows || want == refused || want == dropped))
	defer cancel()
	c, r, err := websocket.Dial(ctx, d.URL+"/ws", &websocket.DialOptions{
		HTTPClient: tunnel(t, d), Subprotocols: []string{"one"},
	})
	switch {
	case errors.Is(err, errRefused), r != nil && r.StatusCode != http.StatusSwitchingProtocols:
		return refused
	case errors.Is(err, context.DeadlineExceeded):
		return nothing
	case err != nil:
		t.Fatal(err)
	}
	defer c.CloseNow()
	if c.Subprotocol() != "one" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	switch _, b, err := c.Read(ctx); {
	case ctx.Err() != nil:
		return muted
	case err != nil:
		return dropped
	case string(b) != strings.Repeat("first", 100):
		t.Errorf("the first message is %q", b)
	}
	if err := c.Write(ctx, websocket.MessageText, []byte("echo")); err != nil {
		t.Fatal(err)
	}
	switch _, b, err := c.Read(ctx); {
	case ctx.Err() != nil:
		return begins
	case err != nil:
		return dropped
	case string(b) != "echo":
		t.Errorf("%q comes back", b)
	}
	return flows
}
