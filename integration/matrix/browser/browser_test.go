//go:build linux

package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience is how long a test waits for the page.
const patience = 60 * time.Second

// open starts a Chromium with one tab. Without one the test is skipped, or fails if TILLBELL_TEST_REQUIRE_TOOLS is 1.
func open(t *testing.T) (*Profile, *Tab) {
	t.Helper()
	path, err := Find()
	if err != nil {
		if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%v, and TILLBELL_TEST_REQUIRE_TOOLS=1 demands it", err)
		}
		t.Skip(err)
	}
	b, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	p := b.Profile("")
	t.Cleanup(p.Close)
	tab, err := p.Tab()
	if err != nil {
		t.Fatal(err)
	}
	return p, tab
}

// site is a server with a page that asks for a payment in every way. The stream says "paid" in two pieces when it is told
// to, and the WebSocket says it after that.
func site(t *testing.T) (url string, pay chan<- struct{}) {
	t.Helper()
	paid := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>page</title><script type="module">
			const tell = (kind, word) => say(JSON.stringify({ kind, at: Date.now(), ...word }));
			addEventListener("pageshow", (event) => tell("shown", { persisted: event.persisted }));
			document.addEventListener("visibilitychange", () => tell(document.visibilityState));
			addEventListener("freeze", () => tell("frozen"), true);
			addEventListener("resume", () => tell("resumed"), true);
			addEventListener("offline", () => tell("offline"));
			addEventListener("online", () => tell("online"));
			window.ask = async () => {
				await (await fetch("/v1/payments/a%2Fb")).json();
				await fetch("/v1/payments/a%2Fb/poll?wait=0s", { method: "OPTIONS" });
				const refused = await fetch("/v1/payments/a%2Fb/poll?wait=0s");
				tell("asked", { text: String(refused.status) });
				const reader = (await fetch("/v1/payments/a%2Fb/sse")).body.getReader();
				for (let r = {}; !r.done; ) r = await reader.read();
				const socket = new WebSocket(location.origin.replace("http", "ws") + "/v1/payments/a%2Fb/ws");
				socket.onmessage = () => tell("told");
			};
		</script>`)
	})
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>elsewhere</title><script>
			addEventListener("pageshow", () => say(JSON.stringify({ kind: "elsewhere", at: Date.now() })));
		</script>`)
	})
	mux.HandleFunc("GET /v1/payments/{payment}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"pending"}`) })
	mux.HandleFunc("GET /v1/payments/{payment}/poll", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusServiceUnavailable) })
	mux.HandleFunc("OPTIONS /v1/payments/{payment}/poll", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/payments/{payment}/sse", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, piece := range []string{"data: {\"status\":\"pending\"}\n\n", `data: {"sta`, "tus\":\"paid\"}\n\n"} {
			fmt.Fprint(w, piece)
			w.(http.Flusher).Flush()
			if piece != "tus\":\"paid\"}\n\n" {
				<-paid
			}
		}
	})
	mux.HandleFunc("GET /v1/payments/{payment}/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err == nil {
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(`{"status":"paid"}`))
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, paid
}

func await(t *testing.T, tab *Tab, kind string) Word {
	t.Helper()
	return awaitFrom(t, tab, 0, kind)
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRequests: each request is seen once, with its kind and its answer's status, and with the moment at which it told
// what is no longer pending, whatever pieces that came in.
func TestRequests(t *testing.T) {
	_, tab := open(t)
	url, pay := site(t)
	do(t, tab.Navigate(url))
	await(t, tab, "shown")
	do(t, tab.evaluate("ask()"))
	if w := await(t, tab, "asked"); w.Text != "503" || w.Time().IsZero() {
		t.Errorf("%+v", w)
	}
	pay <- struct{}{}
	pay <- struct{}{}
	await(t, tab, "told")
	tab.rest()

	var kinds []string
	for _, r := range tab.Requests() {
		kinds = append(kinds, r.Kind)
		if want := map[string]int{State: 200, Poll: 503, SSE: 200, WS: 101}[r.Kind]; r.Status != want {
			t.Errorf("%s is answered %d, want %d", r.Kind, r.Status, want)
		}
		if news := r.Kind == SSE || r.Kind == WS; (r.News != 0) != news {
			t.Errorf("%s tells of an outcome at %v", r.Kind, r.News)
		}
	}
	if want := []string{State, Poll, SSE, WS}; !slices.Equal(kinds, want) {
		t.Errorf("requests %q, want %q", kinds, want)
	}
}

// TestLife: the tab goes through what a phone and a network do to a page.
func TestLife(t *testing.T) {
	p, tab := open(t)
	url, _ := site(t)
	do(t, tab.Navigate(url))
	if w := await(t, tab, "shown"); w.Persisted {
		t.Error("a fresh page comes from the back-forward cache")
	}
	do(t, tab.Offline(true))
	await(t, tab, "offline")
	do(t, tab.Offline(false))
	await(t, tab, "online")
	other, err := p.Tab()
	do(t, err)
	do(t, other.Front())
	await(t, tab, "hidden")
	do(t, tab.Freeze())
	await(t, tab, "frozen")
	do(t, tab.Thaw())
	await(t, tab, "resumed")
	await(t, tab, "visible")

	from := len(tab.Words())
	do(t, tab.Navigate(url+"/elsewhere"))
	awaitFrom(t, tab, from, "elsewhere")
	do(t, tab.Back())
	w := awaitFrom(t, tab, from, "shown")
	why := slices.IndexFunc(tab.Words(), func(w Word) bool { return w.Kind == NotRestored })
	if w.Persisted == (why >= 0) {
		t.Errorf("persisted %v, and the browser says %v", w.Persisted, tab.Words()[from:])
	}
	from = len(tab.Words())
	do(t, tab.Reload())
	if w := awaitFrom(t, tab, from, "shown"); w.Persisted {
		t.Error("a page that is loaded again comes from the back-forward cache")
	}
}

func awaitFrom(t *testing.T, tab *Tab, from int, kind string) Word {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, _, err := tab.Await(ctx, from, func(w Word) bool { return w.Kind == kind })
	if err != nil {
		t.Fatalf("the page does not say %q: %v; it says %v", kind, err, tab.Words()[from:])
	}
	return w
}

func TestKind(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:1/v1/payments/a":            State,
		"http://127.0.0.1:1/v1/payments/a%2Fb":        State,
		"http://127.0.0.1:1/v1/payments/a/sse":        SSE,
		"ws://127.0.0.1:1/v1/payments/a/ws?after=1":   WS,
		"https://h/base/v1/payments/a/poll?wait=25s":  Poll,
		"http://127.0.0.1:1/client.js":                "",
		"http://127.0.0.1:1/checkout?payment=a#b":     "",
		"http://127.0.0.1:1/x?next=/v1/payments/none": "",
		"data:text/plain,%zz":                         "",
	} {
		if got := kind(url); got != want {
			t.Errorf("%s is %q, want %q", url, got, want)
		}
	}
}
