package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium with one page, in which any number of waits run. The page's script says through a binding what
// its EventSource and WebSocket objects see; what they do not tell a page, an answer's status, the browser itself says.
type browser struct {
	page *httptest.Server // whose origin must be in cors.origins
	tab  context.Context  // nil without Chromium

	mu    sync.Mutex
	waits map[int]*pageWait

	script sync.Mutex // held while a script runs: chromedp allows one at a time in a page
}

// browsers are the names that Chromium has.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// pageWait is one wait in the page.
type pageWait struct {
	url     string
	lines   chan line
	refused chan int // the status of an answer that was none of a stream

	requests int // under browser.mu
}

// newBrowser starts the page's server, and Chromium if it is installed.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{waits: make(map[int]*pageWait)}
	b.page = httptest.NewServer(http.FileServer(http.Dir("testdata/page")))
	t.Cleanup(b.page.Close)
	path := findTool(browsers...)
	if path == "" {
		return b
	}
	// The allocator gives the browser a fresh folder for its profile, and removes it.
	ctx, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-proxy-server", true), chromedp.WSURLReadTimeout(2*patience))
	t.Cleanup(stop)
	b.tab, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop) // waits for the browser's process
	if err := chromedp.Listen(b.tab, b.hear); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	err := chromedp.Do(b.tab, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		if err == nil {
			_, err = cdp.Call(ctx, target, runtime.AddBinding, runtime.AddBindingParams{Name: "say"})
		}
		return err
	}), chromedp.Navigate(b.page.URL))
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return b
}

func (b *browser) need(t *testing.T) {
	t.Helper()
	need(t, browsers...)
}

// hear is called by chromedp for everything that happens in the page. It must not block.
func (b *browser) hear(what any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := what.(type) {
	case *runtime.EventBindingCalled:
		var l line
		if json.Unmarshal([]byte(e.Payload), &l) != nil || b.waits[l.Wait] == nil {
			return
		}
		select {
		case b.waits[l.Wait].lines <- l:
		default: // a test that leaves so many unread has failed long ago
		}
	case *network.EventRequestWillBeSent:
		for _, w := range b.waits {
			if w.url == e.Request.URL {
				w.requests++
			}
		}
	case *network.EventResponseReceived:
		for _, w := range b.waits {
			if w.url == e.Response.URL && e.Response.Status != http.StatusOK {
				select {
				case w.refused <- int(e.Response.Status):
				default:
				}
			}
		}
	}
}

func (b *browser) eventSource(ctx context.Context, r request, tell func(line)) {
	query := ticketInQuery(r)
	if r.cursor != "" {
		query.Set("after", r.cursor)
	}
	b.wait(ctx, r.target("sse", query), func(id int, url string) string {
		return fmt.Sprintf("listen(%d, %q)", id, url)
	}, tell)
}

func (b *browser) webSocket(ctx context.Context, r request, tell func(line)) {
	query := make(map[string][]string)
	if r.cursor != "" {
		query["after"] = []string{r.cursor}
	}
	b.wait(ctx, r.target("ws", query), func(id int, url string) string {
		return fmt.Sprintf("connect(%d, %q, %q)", id, url, r.ticket)
	}, tell)
}

// wait runs one wait in the page until the page says that it is over.
func (b *browser) wait(ctx context.Context, url string, script func(id int, url string) string, tell func(line)) {
	w := &pageWait{url: url, lines: make(chan line, 256), refused: make(chan int, 1)}
	b.mu.Lock()
	id := len(b.waits) + 1
	b.waits[id] = w
	b.mu.Unlock()
	if err := b.evaluate(script(id, url)); err != nil {
		tell(line{Kind: "error", Data: err.Error()})
		return
	}
	defer func() { _ = b.evaluate(fmt.Sprintf("leave(%d)", id)) }() // a page that is gone waits for nothing
	for {
		select {
		case l := <-w.lines:
			if l.Kind == "failed" { // what the browser says of it may come a moment later
				select {
				case l.HTTP = <-w.refused:
				case <-time.After(patience):
				}
				l.Kind = "refused"
				b.mu.Lock()
				l.requests = w.requests
				b.mu.Unlock()
			}
			tell(l)
			if l.Kind == "refused" || l.Kind == "closed" {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *browser) evaluate(script string) error {
	b.script.Lock()
	defer b.script.Unlock()
	_, err := chromedp.Run(b.tab, chromedp.Evaluate[bool](script+"; true"))
	return err
}
