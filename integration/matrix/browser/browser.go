//go:build linux

// Package browser is one headless Chromium with any number of profiles, each with a cache, a storage and connections of
// its own, and any number of tabs in each. Of a tab it keeps what its page says and which requests for payments it
// makes, as the DevTools protocol tells them.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// names are those that Chromium has.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// ErrMissing is a machine without Chromium.
var ErrMissing = errors.New("chromium is not installed")

// Find returns the path of the installed Chromium. The error is ErrMissing.
func Find() (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// A Browser is one process of Chromium. Its methods may be called at the same time.
type Browser struct {
	ctx     context.Context
	stop    context.CancelFunc
	version string
}

// Open starts the Chromium at the path, with a fresh folder for what it keeps. It must be closed, and ends with ctx too.
// It takes any certificate.
func Open(ctx context.Context, path string) (*Browser, error) {
	ctx, stop := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-dev-shm-usage", true))
	b := &Browser{stop: stop}
	b.ctx, _ = chromedp.NewContext(ctx) //nolint:govet // ended by stop
	about, err := chromedp.CallBrowser(b.ctx, cdpbrowser.GetVersion, cdp.Empty{})
	if err != nil {
		stop()
		return nil, fmt.Errorf("browser: start: %w", err)
	}
	b.version = about.Product
	return b, nil
}

// Version returns the browser's name and version.
func (b *Browser) Version() string { return b.version }

// Close ends the process and waits for it.
func (b *Browser) Close() error {
	err := chromedp.Cancel(b.ctx)
	b.stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("browser: close: %w", err)
	}
	return nil
}

// Profile returns a fresh profile. With a proxy, "http://host:port", all its traffic goes there, that to loopback too.
func (b *Browser) Profile(proxy string) *Profile {
	p := new(Profile)
	p.ctx, p.stop = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(func(c *target.CreateBrowserContextParams) {
		if proxy != "" {
			c.ProxyServer, c.ProxyBypassList = proxy, "<-loopback>"
		}
	}))
	return p
}

// A Profile is what an incognito window is. Its methods may not be called at the same time.
type Profile struct {
	ctx  context.Context
	stop context.CancelFunc
	tabs []*Tab
}

// Tab opens an empty tab in the profile's one window, in front of those that are there.
func (p *Profile) Tab() (*Tab, error) {
	ctx := p.ctx
	if len(p.tabs) > 0 {
		ctx, _ = chromedp.NewContext(p.ctx, chromedp.WithNewWindow(false)) //nolint:govet // ended with the profile
	}
	t, err := newTab(ctx)
	if err != nil {
		return nil, fmt.Errorf("browser: tab: %w", err)
	}
	p.tabs = append(p.tabs, t)
	return t, nil
}

// Close closes the tabs and forgets the profile.
func (p *Profile) Close() {
	p.stop()
	for _, t := range p.tabs {
		t.rest()
	}
}
