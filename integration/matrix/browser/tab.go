//go:build linux

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Binding is the function by which a page says something: say(text), text being the JSON of a Word.
const Binding = "say"

// A Word is something a page has said. Kind is the page's own, but for the browser's.
type Word struct {
	Kind string `json:"kind"`
	// At is the page's clock, in milliseconds since 1970.
	At int64 `json:"at"`
	// Text and Persisted are as the kind has them.
	Text      string `json:"text,omitempty"`
	Persisted bool   `json:"persisted,omitempty"`
}

// Time returns At as a time.
func (w Word) Time() time.Time { return time.UnixMilli(w.At) }

// The kinds of words of the browser itself.
const (
	// NotRestored is why a page that was gone back to did not come from the back-forward cache.
	NotRestored = "not restored"
	// Exception is an error that nothing in the page has caught.
	Exception = "exception"
)

// callTime bounds what one command of the DevTools protocol may take.
const callTime = 20 * time.Second

// A Tab is one tab. Its methods but Words and Requests may not be called at the same time.
type Tab struct {
	ctx     context.Context
	reading sync.WaitGroup // answers' contents, see trace

	mu    sync.Mutex
	words []Word
	said  chan struct{} // closed and replaced when a word is said
	trace trace
	over  bool // nothing more is read
}

func newTab(ctx context.Context) (*Tab, error) {
	t := &Tab{ctx: ctx, said: make(chan struct{})}
	t.trace.tab = t
	if err := chromedp.Listen(ctx, t.hear); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		return nil, err
	}
	_, err := chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: Binding})
	return t, err
}

// rest waits for what is being read.
func (t *Tab) rest() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.reading.Wait()
}

// do runs one command within callTime.
func (t *Tab) do(what string, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.ctx, callTime)
	defer cancel()
	if err := f(ctx); err != nil {
		return fmt.Errorf("browser: %s: %w", what, err)
	}
	return nil
}

// Navigate goes to a URL and returns when its answer has begun.
func (t *Tab) Navigate(url string) error {
	return t.do("navigate", func(ctx context.Context) error {
		res, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: url})
		if err == nil && res.ErrorText != "" {
			err = fmt.Errorf("%s", res.ErrorText)
		}
		return err
	})
}

// Reload loads the page again, and does not wait for it.
func (t *Tab) Reload() error {
	return t.do("reload", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.Reload, page.ReloadParams{})
		return err
	})
}

// Back goes back to the page before, and does not wait for it.
func (t *Tab) Back() error {
	return t.do("back", func(ctx context.Context) error {
		h, err := chromedp.Call(ctx, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		before := h.Entries[max(0, h.CurrentIndex-1)]
		_, err = chromedp.Call(ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before.ID})
		return err
	})
}

// Front brings the tab in front of the others of its window.
func (t *Tab) Front() error {
	return t.do("bring to front", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.BringToFront, cdp.Empty{})
		return err
	})
}

// Freeze stops the page as a phone stops one that nobody looks at. Another tab should be in front of it.
func (t *Tab) Freeze() error { return t.lifecycle(page.SetWebLifecycleStateStateFrozen) }

// Thaw lets a frozen page go on, in front of the others.
func (t *Tab) Thaw() error {
	if err := t.lifecycle(page.SetWebLifecycleStateStateActive); err != nil {
		return err
	}
	return t.Front()
}

func (t *Tab) lifecycle(state page.SetWebLifecycleStateState) error {
	return t.do(state.String(), func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state})
		return err
	})
}

// Offline takes the network from the page, or gives it back. Connections that are open stay so.
func (t *Tab) Offline(offline bool) error {
	return t.do("network conditions", func(ctx context.Context) error {
		rule := &network.Conditions{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule,
			network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{rule}})
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, network.OverrideNetworkState,
			network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1})
		return err
	})
}

// evaluate runs a script in the page, and does not wait for what it promises.
func (t *Tab) evaluate(script string) error {
	return t.do("evaluate", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: script})
		return err
	})
}

// Words returns what the page has said so far.
func (t *Tab) Words() []Word {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.words)
}

// Await returns the first word that fits, from the one with the index on, and the index behind it. It waits for it until
// ctx is done.
func (t *Tab) Await(ctx context.Context, from int, fits func(Word) bool) (Word, int, error) {
	for {
		t.mu.Lock()
		words, said := t.words, t.said
		t.mu.Unlock()
		for i := min(from, len(words)); i < len(words); i++ {
			if fits(words[i]) {
				return words[i], i + 1, nil
			}
		}
		select {
		case <-said:
		case <-t.ctx.Done():
			return Word{}, from, t.ctx.Err()
		case <-ctx.Done():
			return Word{}, from, ctx.Err()
		}
	}
}

// hear is called by chromedp for everything that happens in the page. It must not block.
func (t *Tab) hear(what any) {
	switch e := what.(type) {
	case *runtime.EventBindingCalled:
		var w Word
		if e.Name == Binding && json.Unmarshal([]byte(e.Payload), &w) == nil {
			t.say(w)
		}
	case *page.EventBackForwardCacheNotUsed:
		var reasons []string
		for _, r := range e.NotRestoredExplanations {
			reasons = append(reasons, string(r.Reason))
		}
		t.say(Word{Kind: NotRestored, At: time.Now().UnixMilli(), Text: strings.Join(reasons, ", ")})
	case *runtime.EventExceptionThrown:
		t.say(Word{Kind: Exception, At: time.Now().UnixMilli(), Text: e.ExceptionDetails.Text})
	default:
		t.trace.hear(what)
	}
}

func (t *Tab) say(w Word) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.words = append(t.words, w)
	close(t.said)
	t.said = make(chan struct{})
}
