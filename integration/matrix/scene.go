//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/matrix/browser"
	"github.com/tillbell/tillbell/integration/matrix/network"
	"github.com/tillbell/tillbell/integration/matrix/site"
)

// A scene is what one cell plays in: a server, a path to it and a browser's profile of its own, so that nothing is
// remembered from another cell.
type scene struct {
	stage   *stage
	path    network.Path
	site    *site.Site
	door    *network.Door
	profile *browser.Profile
	tabs    []*browser.Tab
	dir     string

	foreign bool      // the page is of another origin than the server
	apart   bool      // each tab has a payment of its own
	expires time.Time // when tickets do
	want    string    // what a page shows in the end

	opened time.Time // when the first page was
	gone   time.Time // when the network went, until since; zero if it did not
	since  time.Time // what the time counts from
	from   int       // what a tab said before the word with this index was another document's
	// disturbances is how often something happened upon which a page may look and connect once more.
	disturbances int

	outcomes []browser.Word // of each tab
}

// A stage is what all scenes share.
type stage struct {
	program string
	browser *browser.Browser
	dir     string
	// quiet is held for reading by what is costly and not measured, and for writing by what is measured.
	quiet sync.RWMutex
}

// patience is how long after its moment a page may take to show its outcome, before the cell has failed.
const patience = 30 * time.Second

// ticketLife is how long tickets are good, but where they expire.
const ticketLife = 15 * time.Minute

// newScene sets a scene up. It must be closed, whatever the error.
func (st *stage) newScene(ctx context.Context, p network.Path) (*scene, error) {
	st.quiet.RLock()
	defer st.quiet.RUnlock()
	s := &scene{stage: st, path: p, expires: time.Now().Add(ticketLife), want: "paid"}
	var err error
	if s.dir, err = os.MkdirTemp(st.dir, "cell-"); err != nil {
		return s, err
	}
	if s.site, err = site.Open(ctx, st.program, s.dir); err != nil {
		return s, err
	}
	if s.door, err = p.Open(ctx, s.site.Front, s.dir); err != nil {
		return s, err
	}
	s.profile = st.browser.Profile(s.door.Proxy)
	return s, nil
}

// close ends all that the scene has.
func (s *scene) close() error {
	s.stage.quiet.RLock()
	defer s.stage.quiet.RUnlock()
	var errs []error
	if s.profile != nil {
		s.profile.Close()
	}
	if s.door != nil {
		errs = append(errs, s.door.Close())
	}
	if s.site != nil {
		errs = append(errs, s.site.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// payment returns the id of what the tab awaits.
func (s *scene) payment(tab int) string {
	if !s.apart {
		tab = 0
	}
	return fmt.Sprintf("order-%d", 1001+tab)
}

// page returns the URL of the tab's page.
func (s *scene) page(tab int) string {
	query := url.Values{"payment": {s.payment(tab)}}
	if s.foreign {
		query.Set("base", s.door.URL)
		return "http://" + s.site.Shop + site.PagePath + "?" + query.Encode()
	}
	return s.door.URL + site.PagePath + "?" + query.Encode()
}

func (s *scene) elsewhere() string { return s.door.URL + site.ElsewherePath }

// open opens the page in so many tabs and waits until each shows that its payment is pending.
func (s *scene) open(ctx context.Context, n int) error {
	s.stage.quiet.RLock()
	err := s.openQuietly(n)
	s.stage.quiet.RUnlock()
	if err != nil {
		return err
	}
	for i := range n {
		if _, err := s.await(ctx, i, "status"); err != nil {
			return fmt.Errorf("tab %d: %w", i+1, err)
		}
	}
	return nil
}

// settle opens the page in so many tabs and lets them wait undisturbed for a while.
func (s *scene) settle(ctx context.Context, n int) error {
	if err := s.open(ctx, n); err != nil {
		return err
	}
	return pause(ctx, steady)
}

// openQuietly opens the page in so many tabs. The caller holds stage.quiet.
func (s *scene) openQuietly(n int) error {
	s.opened = time.Now()
	for i := range n {
		ticket, err := s.site.Ticket(s.payment(i), s.expires)
		if err != nil {
			return err
		}
		tab, err := s.profile.Tab()
		if err != nil {
			return err
		}
		s.tabs = append(s.tabs, tab)
		if err := tab.Navigate(s.page(i) + "#" + ticket); err != nil {
			return fmt.Errorf("tab %d: %w", i+1, err)
		}
	}
	return nil
}

// cover puts another tab in front of the page.
func (s *scene) cover(ctx context.Context) error {
	s.stage.quiet.RLock()
	defer s.stage.quiet.RUnlock()
	other, err := s.profile.Tab()
	if err != nil {
		return err
	}
	if err := other.Front(); err != nil {
		return err
	}
	_, err = s.await(ctx, 0, "hidden")
	return err
}

// await waits until the tab's page has said a word of the kind.
func (s *scene) await(ctx context.Context, tab int, kind string) (browser.Word, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	word, _, err := s.tabs[tab].Await(ctx, s.from, func(w browser.Word) bool { return w.Kind == kind || w.Kind == "error" })
	switch {
	case err != nil:
		return word, fmt.Errorf("the page does not say %q: %w", kind, err)
	case word.Kind != kind:
		return word, fmt.Errorf("%w: the page shows %s %q", errWrong, word.Kind, word.Text)
	}
	return word, nil
}

// pay posts the callback of each payment. The time counts from the last acknowledgement.
func (s *scene) pay(ctx context.Context) error {
	n := 1
	if s.apart {
		n = len(s.tabs)
	}
	for i := range n {
		acked, err := s.site.Pay(ctx, s.payment(i))
		if err != nil {
			return err
		}
		s.since = acked
	}
	return nil
}

// payAway posts the callback in the middle of a time in which the page is away.
func (s *scene) payAway(ctx context.Context) error {
	if err := pause(ctx, away/2); err != nil {
		return err
	}
	if err := s.pay(ctx); err != nil {
		return err
	}
	return pause(ctx, away/2)
}

// severed does something while no connection through the path lives: the browser's own emulation leaves those alone that
// are open, and the browser opens a connection again, below that emulation, for a request that had no answer yet.
func (s *scene) severed(ctx context.Context, f func(context.Context) error) error {
	over := make(chan struct{})
	var cutting sync.WaitGroup
	cutting.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			s.door.Cut()
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
	})
	err := f(ctx)
	close(over)
	cutting.Wait()
	return err
}

// measure does what the time counts from, and waits until every page shows its outcome. While that takes less than a
// second nothing costly happens in other cells.
func (s *scene) measure(ctx context.Context, f func(context.Context) error) error {
	s.stage.quiet.Lock()
	release := sync.OnceFunc(s.stage.quiet.Unlock)
	defer release()
	if err := f(ctx); err != nil {
		return err
	}
	defer time.AfterFunc(time.Second, release).Stop()
	for i := range s.tabs {
		w, err := s.outcome(ctx, i)
		if err != nil {
			return err
		}
		s.outcomes = append(s.outcomes, w)
	}
	return nil
}

// outcome waits until the tab's page says its outcome.
func (s *scene) outcome(ctx context.Context, tab int) (browser.Word, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, s.since.Add(patience), errNoOutcome)
	defer cancel()
	w, _, err := s.tabs[tab].Await(ctx, s.from, func(w browser.Word) bool { return w.Kind == "outcome" || w.Kind == "error" })
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errNoOutcome):
		return w, errNoOutcome
	case err != nil:
		return w, err
	case w.Text != s.want:
		return w, fmt.Errorf("%w: the page shows %s %q, want %q", errWrong, w.Kind, w.Text, s.want)
	}
	return w, nil
}

var (
	errNoOutcome = fmt.Errorf("no outcome within %v", patience)
	errWrong     = errors.New("wrong outcome")
)
