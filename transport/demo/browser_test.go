package demo_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for the page.
const patience = 90 * time.Second

// tab is a page of a headless Chromium, with what went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	origin  string // the only one that it may ask anything of
	broken  bool   // the test breaks connections, of which the browser complains
	asked   int
	strange []string // what went wrong
}

// chromium returns the browser's path. Without one the test is skipped, or fails if TILLBELL_TEST_REQUIRE_TOOLS is 1.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const lack = "there is no chromium in PATH; install Debian's chromium to run this test"
	if os.Getenv("TILLBELL_TEST_REQUIRE_TOOLS") == "1" {
		t.Fatal(lack)
	}
	t.Skip(lack)
	return ""
}

// newTab opens a browser with a fresh profile. The test fails in the end if the page wrote an error to its console,
// broke its own security policy, which is reported there too, or asked anything of another origin.
func newTab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, chromedp.ExecPath(chromium(t)), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(patience))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel) // waits for the browser's process, after which its folder can be removed
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.strange) > 0 {
			t.Errorf("in the page there was %q", p.strange)
		}
		if p.asked == 0 {
			t.Error("no request of the page was seen")
		}
	})
	return p
}

// hear is called for everything that happens in the page.
func (p *tab) hear(what any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var wrong string
	switch e := what.(type) {
	case *runtime.EventExceptionThrown:
		wrong = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			wrong += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if kind := string(e.Type); kind == "error" || kind == "warning" || kind == "assert" {
			wrong = "console." + kind
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			wrong = e.Entry.Text + " " + e.Entry.URL
		}
		if p.broken && e.Entry.Source == "network" {
			wrong = ""
		}
	case *network.EventRequestWillBeSent:
		p.asked++
		if url := e.Request.URL; !strings.HasPrefix(url, p.origin+"/") && !strings.HasPrefix(url, "about:") {
			wrong = "asked " + url
		}
	}
	if wrong != "" {
		p.strange = append(p.strange, wrong)
	}
}

// breaks says that the test breaks connections.
func (p *tab) breaks() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// speak makes the browser prefer the language.
func (p *tab) speak(language string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride,
		emulation.SetUserAgentOverrideParams{UserAgent: p.is(`navigator.userAgent`), AcceptLanguage: language})
	if err != nil {
		p.t.Fatal(err)
	}
}

// is evaluates an expression in the page.
func (p *tab) is(expression string) string {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await evaluates an expression that is a promise of a text.
func (p *tab) await(expression string) string {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true in the page.
func (p *tab) until(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		p.t.Fatalf("%s: %v; the page says %s", expression, err, p.is(`document.querySelector("main").innerText`))
	}
}

const waiting = `document.querySelector("#payment").textContent.startsWith("order-") &&
	document.querySelector("#status").dataset.status === "pending" && document.querySelector("#qr svg path") !== null`

// open shows the page with an order that waits to be paid. The query may choose the language.
func (p *tab) open(s *shop, query string) {
	p.t.Helper()
	p.mu.Lock()
	p.origin = s.url
	p.mu.Unlock()
	p.do(chromedp.Navigate(s.url + "/demo" + query))
	p.until(waiting)
}

// reload loads the page again and waits for the order to be there once more.
func (p *tab) reload(payment string) {
	p.t.Helper()
	p.do(chromedp.Reload())
	p.until(`document.querySelector("#payment").textContent === "` + payment + `"`)
}

// choose selects a source and waits for its order.
func (p *tab) choose(source string) {
	p.t.Helper()
	before := p.payment()
	if p.is(`document.querySelector("input[name=source]:checked").value`) == source {
		return
	}
	p.do(chromedp.Click(chromedp.CSS(`input[value="` + source + `"]`)))
	p.another(before)
}

// another waits for an order that is not the one before.
func (p *tab) another(before string) {
	p.t.Helper()
	p.until(waiting + ` && document.querySelector("#payment").textContent !== "` + before + `"`)
}

func (p *tab) payment() string { return p.is(`document.querySelector("#payment").textContent`) }

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

func (p *tab) visible(selector string) bool {
	p.t.Helper()
	return p.is(`String(document.querySelector("`+selector+`").checkVisibility())`) == "true"
}

// press clicks a button of the desk: an action, a fault or something done to the line.
func (p *tab) press(kind, name string) {
	p.t.Helper()
	p.click("[data-" + kind + "=" + name + "]")
}

// wantStatus waits for the page to show a status in those words.
func (p *tab) wantStatus(status, words string) {
	p.t.Helper()
	p.until(`document.querySelector("#status").dataset.status === "` + status + `"`)
	if text := p.is(`document.querySelector("#status").textContent`); text != words {
		p.t.Errorf("status %s reads %q, want %q", status, text, words)
	}
}

// wantText waits for an element to hold the text.
func (p *tab) wantText(selector, text string) {
	p.t.Helper()
	p.until(`document.querySelector("` + selector + `").textContent.includes("` + text + `")`)
}
