package transporttest

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
)

func stateFirst(t *trial) {
	t.site(Options{})
	begin := time.Now()
	c := t.open("p", "")
	s := t.next(c, "state").State
	if s.Payment != "p" || s.Status != relay.Pending || s.Final || s.Conflict || s.Position == "" {
		t.Errorf("state of an unknown payment is %+v", s)
	}
	t.elapsed(begin, 0)
}

func earlyWaiter(t *trial) {
	t.site(Options{})
	c := t.open("p", "")
	t.next(c, "state")
	t.Publish(t, pay("other", relay.Paid, 1))
	t.Publish(t, pay("p", relay.Pending, 1))
	if f := t.event(c, relay.Pending); f.Event.Data.Payment != "p" || f.Event.Subject != "p" || f.Event.Source != "/sources/shop" {
		t.Errorf("event is %+v", f.Event)
	}
	t.Publish(t, pay("p", relay.Paid, 2))
	if f := t.event(c, relay.Paid); f.Event.Data.Amount != "5.00" || f.Event.Data.Currency != "EUR" || !f.Event.Data.Final {
		t.Errorf("event is %+v", f.Event)
	}
	t.end(c, relay.ErrDone)
	if n := t.Relay.Waiters(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

func lateWaiter(t *trial) {
	t.site(Options{})
	t.Publish(t, pay("p", relay.Paid, 1))
	t.Publish(t, pay("p", relay.Refunded, 2))
	c := t.open("p", "")
	if s := t.next(c, "state").State; s.Status != relay.Refunded || !s.Final || s.Amount != "5.00" || s.Refunded != "5.00" {
		t.Errorf("state is %+v", s)
	}
	t.event(c, relay.Paid)
	t.event(c, relay.Refunded)
	t.end(c, relay.ErrDone)
}

// cursors looks at which of pending, failed, paid comes, by header and by query.
func cursors(t *trial) {
	t.site(Options{})
	t.Publish(t, pay("p", relay.Pending, 1))
	failed := t.Publish(t, pay("p", relay.Failed, 2))
	t.Publish(t, pay("p", relay.Paid, 3))
	beyond, other := failed, failed
	beyond.Seq += 100
	other.Epoch = "elsewhere"
	for cursor, want := range map[string][]relay.Status{
		failed.String(): {relay.Paid},
		"":              {relay.Pending, relay.Failed, relay.Paid},
		"garbage":       {relay.Pending, relay.Failed, relay.Paid},
		"~end":          {relay.Pending, relay.Failed, relay.Paid},
		failed.Epoch + "." + strconv.FormatUint(math.MaxUint64, 10) + "0": {relay.Pending, relay.Failed, relay.Paid},
		beyond.String(): {relay.Pending, relay.Failed, relay.Paid},
		other.String():  {relay.Pending, relay.Failed, relay.Paid},
	} {
		for name, c := range map[string]Client{
			"header": t.open("p", "", "Last-Event-ID", cursor),
			"query":  t.open("p", "?after="+cursor),
			"both":   t.open("p", "?after="+beyond.String(), "Last-Event-ID", cursor),
		} {
			t.Log(name, cursor)
			t.next(c, "state")
			for _, status := range want {
				t.event(c, status)
			}
			t.end(c, relay.ErrDone)
		}
	}
	c := t.open("p", "", "Last-Event-ID", failed.String(), "Last-Event-ID", failed.String())
	t.next(c, "state")
	t.event(c, relay.Pending) // a header that is there twice is unreadable
}

func order(t *trial) {
	t.site(Options{})
	const publishers, each = 4, 10
	c := t.open("p", "")
	t.next(c, "state")
	var all sync.WaitGroup
	for i := range publishers {
		all.Go(func() {
			for j := range each {
				e := pay("p", relay.Pending, i*each+j)
				e.Time = time.Time{}
				t.Publish(t, e)
			}
		})
	}
	seen, last := make(map[string]bool), relay.Position{}
	for range publishers * each {
		f := t.event(c, relay.Pending)
		at, err := relay.ParsePosition(f.Position)
		if !t.h.Polls && (err != nil || at.Compare(last) <= 0) {
			t.Errorf("position %q after %s, %v", f.Position, last, err)
		}
		last = at
		if seen[f.Event.ID] {
			t.Errorf("%s came twice", f.Event.ID)
		}
		seen[f.Event.ID] = true
	}
	all.Wait()
	t.Publish(t, pay("p", relay.Paid, 1000))
	t.event(c, relay.Paid)
	t.end(c, relay.ErrDone)
}

func released(t *trial) {
	t.site(Options{})
	c := t.open("p", "")
	t.next(c, "state")
	for i, status := range []relay.Status{relay.Pending, relay.Failed} {
		e := pay("p", status, i)
		e.NeedsRegistration = true
		t.Publish(t, e)
	}
	if _, _, err := t.Relay.Register(context.Background(), relay.Registration{Payment: "p"}); err != nil {
		t.Fatal(err)
	}
	first := t.event(c, relay.Pending)
	t.event(c, relay.Failed)
	if t.h.Polls {
		return
	}
	c = t.open("p", "?after="+first.Position)
	t.next(c, "state")
	t.event(c, relay.Failed)
}

func contradiction(t *trial) {
	t.site(Options{})
	g := relay.Registration{Payment: "p", Amount: "5", Currency: "EUR"}
	if _, _, err := t.Relay.Register(context.Background(), g); err != nil {
		t.Fatal(err)
	}
	c := t.open("p", "")
	if s := t.next(c, "state").State; s.Conflict {
		t.Errorf("state is %+v", s)
	}
	wrong := pay("p", relay.Paid, 1)
	wrong.Amount = "4.99"
	t.Publish(t, wrong)
	if s := t.next(c, "state").State; !s.Conflict || s.Final || s.Status != relay.Pending {
		t.Errorf("state is %+v", s)
	}
	t.Publish(t, pay("p", relay.Paid, 2))
	t.event(c, relay.Paid)
	t.end(c, relay.ErrDone)
	late := t.open("p", "")
	if s := t.next(late, "state").State; !s.Conflict || s.Status != relay.Paid {
		t.Errorf("state is %+v", s)
	}
	t.event(late, relay.Paid)
	t.end(late, relay.ErrDone)
}

func heartbeat(t *trial) {
	t.site(Options{})
	if t.h.Polls {
		t.Skip("a poll has none")
	}
	begin := time.Now()
	c := t.open("p", "")
	t.next(c, "state")
	t.next(c, "ping")
	t.within(begin, 0, Heartbeat) // anywhere, so that clients that come together do not have theirs together
	begin = time.Now()
	t.next(c, "ping")
	t.elapsed(begin, Heartbeat)
	time.Sleep(Heartbeat / 2) // in the bubble
	t.Publish(t, pay("p", relay.Pending, 1))
	t.event(c, relay.Pending)
	begin = time.Now()
	t.next(c, "ping") // put off, but not for all who were told the event to the same moment
	t.within(begin, Heartbeat/2, Heartbeat)
}

func paths(t *trial) {
	t.site(Options{})
	for i, payment := range []string{"~", "a/b", "a b+c&d=e?f#g", "100%", "%2F", "订单-1001", "émoji 🛎", "a//b/../c", "...", "-"} {
		t.Publish(t, pay(payment, relay.Paid, i))
		token := "Bearer " + t.Ticket(t, payment, time.Hour)
		for _, path := range []string{t.path(payment), "/v1/payments/~/" + t.route(), "/v1/payments/%7E/" + t.route()} {
			c := t.openPath(path, "Authorization", token)
			if s := t.next(c, "state").State; s.Payment != payment {
				t.Errorf("%s is %q", path, s.Payment)
			}
			t.event(c, relay.Paid)
			t.end(c, relay.ErrDone)
		}
	}
	synctest.Wait()
	if n := t.Relay.Waiters(); n != 0 {
		t.Error(fmt.Sprint(n), "waiters are left")
	}
}
