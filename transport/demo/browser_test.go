package demo_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for the page.
const patience = 90 * time.Second

// tab is a page of a headless Chromium, with what went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	wrongs []string
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

// newTab opens a browser with a fresh profile. The test fails in the end if the page wrote an error to its console, or
// broke its own security policy, which is reported there too.
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
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.wrongs) > 0 {
			t.Errorf("the page's console has %q", p.wrongs)
		}
	})
	return p
}

// hear is called for everything that happens in the page.
func (p *tab) hear(what any) {
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
	}
	if wrong == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrongs = append(p.wrongs, wrong)
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
	agent, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`navigator.userAgent`))
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = chromedp.Call(p.ctx, emulation.SetUserAgentOverride,
		emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
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

// until waits for an expression to be true in the page.
func (p *tab) until(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		p.t.Fatalf("%s: %v; the page says %s", expression, err, p.is(`document.querySelector("main").innerText`))
	}
}

// open shows the page with an order that waits to be paid.
func (p *tab) open(address string) {
	p.t.Helper()
	p.do(chromedp.Navigate(address))
	p.until(waiting)
}

const waiting = `document.querySelector("#payment").textContent.startsWith("order-") &&
	document.querySelector("#status").dataset.status === "pending" && document.querySelector("#qr svg path") !== null`

// choose selects a source and waits for its order.
func (p *tab) choose(source string) {
	p.t.Helper()
	before := p.payment()
	if p.is(`document.querySelector("input[name=source]:checked").value`) == source {
		return
	}
	p.do(chromedp.Click(chromedp.CSS(`input[value="` + source + `"]`)))
	p.until(waiting + ` && document.querySelector("#payment").textContent !== "` + before + `"`)
}

func (p *tab) payment() string { return p.is(`document.querySelector("#payment").textContent`) }

func (p *tab) press(action string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS("[data-action=" + action + "]")))
}

// wantStatus waits for the page to show a status in those words.
func (p *tab) wantStatus(status, words string) {
	p.t.Helper()
	p.until(`document.querySelector("#status").dataset.status === "` + status + `"`)
	if text := p.is(`document.querySelector("#status").textContent`); text != words {
		p.t.Errorf("status %s reads %q, want %q", status, text, words)
	}
}

// wantLog waits for a line in the page's log.
func (p *tab) wantLog(text string) {
	p.t.Helper()
	p.until(`document.querySelector("#log").innerText.includes("` + text + `")`)
}

// languages is what the page says in each.
var languages = map[string]struct{ waiting, paid, refunded, told, refused string }{
	"en-US": {"Waiting for payment", "Paid", "Refunded", "Page told: paid", "Refused (401), nothing changed"},
	"zh-CN": {"等待支付", "已支付", "已退款", "页面收到：已支付", "已拒绝（401），状态不变"},
}

func TestPage(t *testing.T) {
	chromium(t)
	for language, say := range languages {
		t.Run(language, func(t *testing.T) {
			s, p := newShop(t), newTab(t)
			p.speak(language)
			p.open(s.url + "/demo")
			if lang := p.is(`document.documentElement.lang`); !strings.HasPrefix(lang, language[:2]) {
				t.Errorf("the page's language is %s", lang)
			}
			for source := range sources {
				p.choose(source)
				p.wantStatus("pending", say.waiting)
				p.press("forged")
				p.wantLog(say.refused)
				p.wantStatus("pending", say.waiting)
				p.press("paid")
				p.wantStatus("paid", say.paid)
				p.wantLog(say.told)
				if state, _ := s.history(t, p.payment()); state.Status != "paid" || state.Conflict {
					t.Errorf("%s: the relay says %+v", source, state)
				}
			}
			paid := p.payment()
			p.reload(s.url+"/demo", paid)
			p.wantStatus("paid", say.paid)
			p.press("refunded")
			p.wantStatus("refunded", say.refunded)
			p.reload(s.url+"/demo", paid)
			p.wantStatus("refunded", say.refunded)
			p.do(chromedp.Click(chromedp.CSS("#again")))
			p.until(waiting + ` && document.querySelector("#payment").textContent !== "` + paid + `"`)
		})
	}
}

// reload loads the page again in a tab that has an order.
func (p *tab) reload(address, payment string) {
	p.t.Helper()
	p.do(chromedp.Navigate(address))
	p.until(`document.querySelector("#payment").textContent === "` + payment + `"`)
}

// TestButtons: the page has those of the chosen provider alone, and no refund before the payment.
func TestButtons(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s.url + "/demo?lang=en")
	for source, statuses := range sources {
		p.choose(source)
		want := []string{"forged"}
		for _, status := range statuses {
			want = append(want, string(status))
		}
		for _, action := range []string{"paid", "pending", "failed", "closed", "refunded", "forged"} {
			hidden := p.is(`String(document.querySelector("[data-action=`+action+`]").hidden)`) == "true"
			if hidden == slices.Contains(want, action) {
				t.Errorf("%s: hidden %v of %s", source, hidden, action)
			}
		}
		if p.is(`String(document.querySelector("[data-action=refunded]").disabled)`) != "true" {
			t.Errorf("%s: a refund is offered before the payment", source)
		}
	}
}

// TestFailedThenPaid: the wait goes on after an outcome that is not final.
func TestFailedThenPaid(t *testing.T) {
	s, p := newShop(t), newTab(t)
	p.open(s.url + "/demo?lang=en")
	p.choose("stripe")
	p.press("failed")
	p.wantStatus("failed", "Payment failed")
	p.press("paid")
	p.wantStatus("paid", "Paid")
}
