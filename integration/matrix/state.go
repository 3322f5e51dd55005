//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/integration/matrix/browser"
	"github.com/tillbell/tillbell/integration/matrix/report"
)

// A state is what a page, or the server, goes through: a column of the table.
type state struct {
	report.State
	quick bool // part of the quick run
	often bool // played several times where a stream flows, for the median
	play  func(ctx context.Context, s *scene) error
}

// steady is how long a page waits undisturbed before something happens.
const steady = 2 * time.Second

// long is more than the 4 s that each of the three transports may take to prove itself.
const long = 13 * time.Second

// away is how long a page is away, and the callback comes in the middle.
const away = 2 * time.Second

// tabs is one more than the connections that a browser opens to one origin over HTTP/1.1.
const tabs = 7

// states are all states in the order of the table.
var states = []state{
	{State: report.State{Name: "waiting", Since: "the acknowledgement", Live: true}, play: waiting, quick: true, often: true},
	{State: report.State{Name: "waiting long", Since: "the acknowledgement", Live: true}, play: waitingLong},
	{State: report.State{Name: "other origin", Since: "the acknowledgement", Live: true}, play: otherOrigin},
	{State: report.State{Name: "callback first", Since: "the page's call"}, play: callbackFirst},
	{State: report.State{Name: "hidden", Since: "the acknowledgement", Live: true}, play: hidden},
	{State: report.State{Name: "frozen", Since: "the thaw"}, play: frozen},
	{State: report.State{Name: "offline", Since: "being online again", Slow: true}, play: offline, quick: true},
	{State: report.State{Name: "back", Since: "the return"}, play: back},
	{State: report.State{Name: "reload", Since: "the page's second call, or the acknowledgement if that is later"}, play: reload, quick: true},
	{State: report.State{Name: "7 tabs", Since: "the acknowledgement; the slowest tab"}, play: sevenTabs},
	{State: report.State{Name: "7 payments", Since: "the last acknowledgement; the slowest tab"}, play: sevenPayments},
	{State: report.State{Name: "leader frozen", Since: "the acknowledgement; the slower of the other two tabs"}, play: leaderFrozen},
	{State: report.State{Name: "restart", Since: "the acknowledgement"}, play: restart(syscall.SIGTERM)},
	{State: report.State{Name: "kill -9", Since: "the acknowledgement"}, play: restart(syscall.SIGKILL)},
	{State: report.State{Name: "expired", Since: "the ticket's end"}, play: expired},
}

// waiting: the callback comes while the page waits.
func waiting(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, 1); err != nil {
		return err
	}
	return s.measure(ctx, s.pay)
}

// waitingLong: the callback comes when the page had the time to try every transport and to settle on one.
func waitingLong(ctx context.Context, s *scene) error {
	if err := s.open(ctx, 1); err != nil {
		return err
	}
	if err := pause(ctx, long); err != nil {
		return err
	}
	return s.measure(ctx, s.pay)
}

// otherOrigin: the shop's page comes from another server than Tillbell's answers (CORS).
func otherOrigin(ctx context.Context, s *scene) error {
	s.foreign = true
	return waiting(ctx, s)
}

// callbackFirst: the payer is faster than the page.
func callbackFirst(ctx context.Context, s *scene) error {
	if _, err := s.site.Pay(ctx, s.payment(0)); err != nil {
		return err
	}
	return s.measure(ctx, func(ctx context.Context) error {
		if err := s.openQuietly(1); err != nil {
			return err
		}
		w, err := s.await(ctx, 0, "asked")
		s.since = w.Time()
		return err
	})
}

// hidden: the page is behind another tab of its window.
func hidden(ctx context.Context, s *scene) error {
	if err := s.open(ctx, 1); err != nil {
		return err
	}
	if err := s.cover(ctx); err != nil {
		return err
	}
	if err := pause(ctx, steady); err != nil {
		return err
	}
	return s.measure(ctx, s.pay)
}

// frozen: the phone has stopped the page while the payer is in another app.
func frozen(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, 1); err != nil {
		return err
	}
	if err := s.cover(ctx); err != nil {
		return err
	}
	if err := s.tabs[0].Freeze(); err != nil {
		return err
	}
	if _, err := s.await(ctx, 0, "frozen"); err != nil {
		return err
	}
	if err := s.payAway(ctx); err != nil {
		return err
	}
	return s.measure(ctx, func(context.Context) error {
		s.since = time.Now()
		s.disturbances++
		return s.tabs[0].Thaw()
	})
}

// offline: the network goes, with every connection, and comes back.
func offline(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, 1); err != nil {
		return err
	}
	s.gone = time.Now()
	if err := s.tabs[0].Offline(true); err != nil {
		return err
	}
	if err := s.severed(ctx, s.payAway); err != nil {
		return err
	}
	return s.measure(ctx, func(context.Context) error {
		s.since = time.Now()
		s.disturbances++
		return s.tabs[0].Offline(false)
	})
}

// errNotCached fails a cell whose page was loaded anew, which shows nothing of a return.
var errNotCached = errors.New("the page does not come from the back-forward cache")

// back: the payer goes to another page and back, by the browser's button.
func back(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, 1); err != nil {
		return err
	}
	if err := s.tabs[0].Navigate(s.elsewhere()); err != nil {
		return err
	}
	if err := s.payAway(ctx); err != nil {
		return err
	}
	err := s.measure(ctx, func(context.Context) error {
		s.since = time.Now()
		s.disturbances++
		return s.tabs[0].Back()
	})
	if err == nil && !slices.ContainsFunc(s.tabs[0].Words(), func(w browser.Word) bool { return w.Persisted }) {
		err = errNotCached
	}
	return err
}

// reload: the payer loads the page again, and the callback comes meanwhile.
func reload(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, 1); err != nil {
		return err
	}
	return s.measure(ctx, func(ctx context.Context) error {
		s.from = len(s.tabs[0].Words())
		if err := s.tabs[0].Reload(); err != nil {
			return err
		}
		if err := s.pay(ctx); err != nil {
			return err
		}
		w, err := s.await(ctx, 0, "asked")
		if err != nil {
			return err
		}
		s.from = slices.Index(s.tabs[0].Words(), w) // the first document may have been told on its way out
		if w.Time().After(s.since) {
			s.since = w.Time()
		}
		return nil
	})
}

// sevenTabs: as many tabs of one shop await one payment.
func sevenTabs(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, tabs); err != nil {
		return err
	}
	return s.measure(ctx, s.pay)
}

// sevenPayments: each of them awaits a payment of its own.
func sevenPayments(ctx context.Context, s *scene) error {
	s.apart = true
	return sevenTabs(ctx, s)
}

// leaderFrozen: the tab that was first, and has the connection that the others share, is stopped.
func leaderFrozen(ctx context.Context, s *scene) error {
	if err := s.settle(ctx, 3); err != nil {
		return err
	}
	if err := s.tabs[0].Freeze(); err != nil {
		return err
	}
	if _, err := s.await(ctx, 0, "frozen"); err != nil {
		return err
	}
	s.tabs = s.tabs[1:]
	s.disturbances++ // another one has to look and connect
	return s.measure(ctx, s.pay)
}

// restart: the server is ended by a signal and started again, and the callback comes then.
func restart(sig syscall.Signal) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		if err := s.settle(ctx, 1); err != nil {
			return err
		}
		s.disturbances += 2 // it went and came
		if err := s.site.Restart(ctx, sig); err != nil {
			return err
		}
		return s.measure(ctx, s.pay)
	}
}

// expired: nobody pays before the ticket's end.
func expired(ctx context.Context, s *scene) error {
	s.expires = time.Now().Add(7 * time.Second).Truncate(time.Second)
	s.since = s.expires
	s.want = "expired"
	if err := s.open(ctx, 1); err != nil {
		return err
	}
	if err := pause(ctx, time.Until(s.since)); err != nil {
		return err
	}
	return s.measure(ctx, func(context.Context) error { return nil })
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
}
