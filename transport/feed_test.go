package transport_test

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/transporttest"
	"github.com/tillbell/tillbell/transport/wire"
)

type page struct {
	Events   []wire.Item
	Position string
}

func (s site) page(t testing.TB, query string) page {
	t.Helper()
	a := s.merchant(t, "GET", "/v1/events"+query, "")
	a.expect(t, query, 200, "")
	var p page
	a.into(t, &p)
	if p.Events == nil {
		t.Errorf("answer is %s", a.body)
	}
	return p
}

func event(payment string, status relay.Status, n int) relay.Event {
	return relay.Event{ID: fmt.Sprintf("shop:%s:%d", payment, n), Payment: payment, Status: status, Amount: "5.00", Currency: "EUR"}
}

func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		begin := time.Now()
		if p := s.page(t, "?wait=0s"); len(p.Events) != 0 || p.Position == "" || time.Since(begin) != 0 {
			t.Errorf("empty log: %+v after %s", p, time.Since(begin))
		}
		held := event("held", relay.Paid, 1)
		held.NeedsRegistration = true
		s.Publish(t, held)
		s.Publish(t, event("p", relay.Paid, 1))
		s.merchant(t, "PUT", "/v1/payments/held", `{}`).expect(t, "register", 201, "")
		s.Publish(t, event("p", relay.Pending, 2))
		want := []string{"shop:held:1 false", "shop:p:1 true", "shop:held:1 true", "shop:p:2 false"}
		all := s.page(t, "")
		check := func(what string, got []wire.Item, want []string) {
			t.Helper()
			if len(got) != len(want) {
				t.Fatalf("%s: %+v", what, got)
			}
			for i, it := range got {
				if text := fmt.Sprint(it.Event.ID, " ", it.Applied); text != want[i] {
					t.Errorf("%s: %d is %s, want %s", what, i, text, want[i])
				}
			}
		}
		check("all", all.Events, want)
		if all.Position != all.Events[3].Position {
			t.Errorf("position is %s behind %+v", all.Position, all.Events)
		}
		for i, it := range all.Events {
			check("after "+it.Position, s.page(t, "?wait=0s&after="+it.Position).Events, want[i+1:])
		}
		for _, after := range []string{"", "garbage", "elsewhere.2", all.Position + "000"} {
			check("after "+after, s.page(t, "?after="+after).Events, want)
		}
		for after, i := "", 0; i < len(want); i++ { // one at a time
			p := s.page(t, "?limit=1&after="+after)
			check("one", p.Events, want[i:i+1])
			after = p.Position
		}
		for _, query := range []string{"?wait=61s", "?wait=-1s", "?wait=x", "?limit=0", "?limit=1001", "?limit=x"} {
			s.merchant(t, "GET", "/v1/events"+query, "").expect(t, query, 400, "bad_request")
		}
		s.merchant(t, "GET", "/v1/events", "a body").expect(t, "body", 400, "bad_request")
		s.Engine.Break()
		s.merchant(t, "GET", "/v1/events", "").expect(t, "broken engine", 503, "unavailable")
	})
}

// TestFeedWaits has nothing to tell at first. A registration is nothing either.
func TestFeedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		for query, want := range map[string]time.Duration{"": 25 * time.Second, "?wait=60s": time.Minute, "?wait=1s": time.Second} {
			begin := time.Now()
			if p := s.page(t, query); len(p.Events) != 0 || time.Since(begin) != want {
				t.Errorf("%s: %+v after %s", query, p, time.Since(begin))
			}
		}
		go func() {
			time.Sleep(20 * time.Second) // in the bubble; longer than a request may take to arrive
			s.merchant(t, "PUT", "/v1/payments/p", `{}`)
			time.Sleep(time.Second)
			s.Publish(t, event("p", relay.Pending, 1))
		}()
		begin := time.Now()
		p := s.page(t, "?wait=60s")
		if len(p.Events) != 1 || time.Since(begin) != 21*time.Second {
			t.Errorf("%+v after %s", p, time.Since(begin))
		}
		go func() {
			time.Sleep(time.Second)
			s.Relay.Drain()
		}()
		a := s.merchant(t, "GET", "/v1/events?after="+p.Position, "")
		a.expect(t, "drain", 503, "closing")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
}

// TestFeedNotTaken has a client that waits for long and does not read the answer.
func TestFeedNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, transporttest.Options{})
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := "GET /v1/events?wait=60s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + transporttest.APIKey + "\r\n\r\n"
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second) // in the bubble, as below
		s.Publish(t, event("p", relay.Pending, 1))
		time.Sleep(31 * time.Second)
		if text, err := io.ReadAll(conn); len(text) != 0 || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// TestFeedComplete follows the feed page by page while many publish: nothing is missing and nothing comes twice.
func TestFeedComplete(t *testing.T) {
	s := newSite(t, transporttest.Options{Network: transporttest.TCP})
	const publishers, each = 8, 100
	var all sync.WaitGroup
	defer all.Wait()
	for i := range publishers {
		all.Go(func() {
			for j := range each {
				s.Publish(t, event(fmt.Sprint("p", j%10), relay.Pending, i*each+j))
			}
		})
	}
	seen := make(map[string]bool)
	for after := ""; len(seen) < publishers*each; {
		p := s.page(t, "?wait=10s&limit=7&after="+after)
		if len(p.Events) == 0 || p.Position == after {
			t.Fatalf("%d of %d events, then an empty page", len(seen), publishers*each)
		}
		for _, it := range p.Events {
			if seen[it.Event.ID] {
				t.Fatalf("%s came twice", it.Event.ID)
			}
			seen[it.Event.ID] = true
		}
		after = p.Position
	}
}
