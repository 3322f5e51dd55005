package integration_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"
)

// TestExamplePages buys something with each of the examples' pages.
func TestExamplePages(t *testing.T) {
	for _, p := range []struct {
		name   string
		folder func(t *testing.T) string
	}{
		{"html", pageHTML},
		{"react", pageReact},
	} {
		t.Run(p.name, func(t *testing.T) {
			folder := p.folder(t)
			page := openTab(t)
			s := openShop(t, backendGo(t), folder)

			page.visit(t, s.url)
			page.shows(t, "Waiting for your payment…")
			order := page.text(t, "#order")
			if !strings.HasPrefix(order, "order-") {
				t.Fatalf("the page shows the order %q", order)
			}
			// Somebody paid another amount: the page waits on. A reload waits for the same order.
			s.pays(t, order, "1.00")
			page.visit(t, page.location(t))
			page.shows(t, "Waiting for your payment…")
			if again := page.text(t, "#order"); again != order {
				t.Errorf("after a reload the page shows the order %q, before %q", again, order)
			}
			s.pays(t, order, "129.00")
			page.shows(t, "Paid. Thank you!")

			// A page that comes late is told at once.
			page.visit(t, page.location(t))
			page.shows(t, "Paid. Thank you!")

			// An order that is not there.
			page.visit(t, s.url+"/?order=order-unknown")
			page.shows(t, "Please reload this page.")
		})
	}
}

func pageHTML(t *testing.T) string {
	t.Helper()
	return "../html"
}

// pageReact builds the example as its `npm run build` does, into a folder of the test's own.
func pageReact(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs(examples + "/react")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(source, "node_modules", "react")); err != nil {
		missing(t, "the npm packages of the React example are not installed: run make clients")
	}
	folder := t.TempDir()
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(source, "checkout.jsx")}, AbsWorkingDir: source, Outfile: filepath.Join(folder, "checkout.js"),
		Bundle: true, Format: api.FormatESModule, JSX: api.JSXAutomatic, Write: true,
		Alias:            map[string]string{"react": "./node_modules/react"}, // the linked package may have one of its own, for its tests
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
	})
	for _, wrong := range append(built.Errors, built.Warnings...) {
		t.Errorf("esbuild: %s %+v", wrong.Text, wrong.Location)
	}
	html, err := os.ReadFile(filepath.Join(source, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "index.html"), html, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// tab is a page of a Chromium of its own.
type tab struct{ ctx context.Context }

// openTab starts Chromium with a fresh profile, until the test is over.
func openTab(t *testing.T) tab {
	t.Helper()
	path := need(t, browsers...)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-proxy-server", true), chromedp.WSURLReadTimeout(2*patience))
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop) // waits for the browser's process
	return tab{ctx}
}

func (p tab) visit(t *testing.T, url string) {
	t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// shows waits until the page's status ends with the text.
func (p tab) shows(t *testing.T, text string) {
	t.Helper()
	expression := fmt.Sprintf(`document.querySelector('#status')?.textContent.endsWith(%q) ?? false`, text)
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience))); err != nil {
		t.Fatalf("the page does not show %q: %v; it shows %q", text, err, p.text(t, "body"))
	}
}

func (p tab) text(t *testing.T, selector string) string {
	t.Helper()
	return p.evaluate(t, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ''`, selector))
}

func (p tab) location(t *testing.T) string {
	t.Helper()
	return p.evaluate(t, `location.href`)
}

func (p tab) evaluate(t *testing.T, expression string) string {
	t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}
