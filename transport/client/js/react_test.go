package js_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/client/js/bundle"
)

// reactHTML has no Web Locks, with which two waits of one page would share a stream and look like one.
const reactHTML = `<!doctype html><div id="root"></div>
	<script>Object.defineProperty(navigator, "locks", { value: undefined })</script><script src="react.js"></script>`

// reactPage is a checkout in React, in development, which is what has StrictMode mount it twice.
type reactPage struct {
	*shop
	asked chan string // the path of each request
}

// newReactPage opens the page. What it asks for at the path held, if that is not empty, is answered when release is called.
func newReactPage(t *testing.T, held string) (p *reactPage, release func()) {
	t.Helper()
	script := withReact(t, "testdata/react/page.jsx", api.PlatformBrowser)
	p = &reactPage{shop: newShop(t), asked: make(chan string, 100)}
	ctx, release := context.WithCancel(p.page)
	t.Cleanup(release)
	p.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		switch way {
		case "react":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, reactHTML)
			return true
		case "react.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(script)
			return true
		}
		p.asked <- r.URL.Path
		if r.URL.Path == held {
			<-ctx.Done()
		}
		return false
	})
	if err := chromedp.Do(p.page, chromedp.Navigate(p.web.URL+"/react")); err != nil {
		t.Fatal(err)
	}
	p.until(`!!window.show`)
	return p, release
}

// withReact returns the script with React and the hook in it, as a shop's bundler makes it of the npm packages.
func withReact(t *testing.T, entry string, platform api.Platform) []byte {
	t.Helper()
	modules, err := filepath.Abs("node_modules")
	if err == nil {
		_, err = os.Stat(filepath.Join(modules, "react"))
	}
	if err != nil {
		skip(t, "React is not installed: run make clients")
	}
	dist := t.TempDir()
	for _, f := range bundle.Files() {
		code, err := f.Build(".")
		if err == nil {
			err = os.WriteFile(filepath.Join(dist, f.Name), code, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{entry}, Bundle: true, Platform: platform, JSX: api.JSXAutomatic,
		Define:    map[string]string{"process.env.NODE_ENV": `"development"`},
		Alias:     map[string]string{"@tillbell/client/react": filepath.Join(dist, "react.js")},
		NodePaths: []string{modules}, LogLevel: api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		t.Fatal(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}))
	}
	return result.OutputFiles[0].Contents
}

// show renders the checkout; a nil payment is one that is not known yet.
func (p *reactPage) show(payment any, token, listener string) {
	p.t.Helper()
	text, err := json.Marshal(map[string]any{"payment": payment, "ticket": token, "listener": listener})
	if err != nil {
		p.t.Fatal(err)
	}
	evaluate[any](p.shop, `show(`+string(text)+`) ?? null`)
}

// untilShown waits for the status, the outcome's code and the error's code.
func (p *reactPage) untilShown(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`shown() === %q`, text))
}

// streams returns how many streams were asked for so far.
func (p *reactPage) streams() int {
	n := 0
	for {
		select {
		case path := <-p.asked:
			if strings.HasSuffix(path, "/sse") {
				n++
			}
		default:
			return n
		}
	}
}

func TestReactShowsTheOutcome(t *testing.T) {
	p, _ := newReactPage(t, "")
	token := p.mint(time.Hour)
	p.show(payment, token, "first")
	p.untilShown("pending undefined undefined")
	receive(p.shop, p.parked)
	p.publish(relay.Failed)
	p.untilShown("failed undefined undefined")
	p.show(payment, token, "second")
	p.until(`committed === "second"`)
	p.publish(relay.Paid)
	p.untilShown("paid done undefined")
	if got := evaluate[string](p.shop, `told.join()`); got != "first failed,second paid" {
		t.Errorf("told %s", got)
	}
	if n := p.streams(); n != 1 {
		t.Errorf("%d streams were opened", n)
	}
}

// The answer about the first payment comes while the page waits for the second one.
func TestReactBeginsAnewWithAnotherPayment(t *testing.T) {
	p, release := newReactPage(t, "/v1/payments/"+payment)
	const other = "order-2"
	token, err := p.tickets.Mint(other, time.Now().Add(time.Hour), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p.publish(relay.Paid)
	p.show(payment, p.mint(time.Hour), "")
	for receive(p.shop, p.asked) != "/v1/payments/"+payment {
	}
	p.show(other, token, "")
	release()
	p.untilShown("pending undefined undefined")
	p.show(payment, p.mint(time.Hour), "")
	p.untilShown("paid done undefined")
	p.show(other, token, "")
	p.untilShown("pending undefined undefined")
	if wrong := evaluate[int](p.shop, `renders.filter(({asked, got}) => got.some((payment) => payment !== asked)).length`); wrong > 0 {
		t.Errorf("%d times it showed what it knew of another payment", wrong)
	}
}

func TestReactTakesAnotherTicket(t *testing.T) {
	p, _ := newReactPage(t, "")
	token := p.mint(time.Hour)
	p.show(nil, token, "") // which is no payment to wait for
	p.untilShown("undefined undefined undefined")
	p.show(payment, token[:len(token)-4]+"AAAA", "")
	p.untilShown("undefined undefined unauthorized")
	p.show(payment, token, "")
	p.untilShown("pending undefined undefined")
	p.publish(relay.Paid)
	p.untilShown("paid done undefined")
}

func TestReactEndsWithItsComponent(t *testing.T) {
	p, _ := newReactPage(t, "")
	p.show(payment, p.mint(time.Hour), "")
	p.untilShown("pending undefined undefined")
	receive(p.shop, p.parked)
	evaluate[any](p.shop, `show(null) ?? null`)
	p.log.Await(t, 1, "code=gone")
}

func TestReactOnAServer(t *testing.T) {
	node := needNode(t)
	file := filepath.Join(t.TempDir(), "server.cjs")
	if err := os.WriteFile(file, withReact(t, "testdata/react/server.jsx", api.PlatformNode), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := run(t, exec.CommandContext(t.Context(), node, file), nil)
	if want := `{"snapshot":null,"outcome":null,"error":null}`; html.UnescapeString(strings.Join(lines, "")) != "<p>"+want+"</p>" {
		t.Errorf("it renders %q", lines)
	}
}
