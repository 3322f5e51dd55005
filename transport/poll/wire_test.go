package poll_test

import (
	"io"
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func site(t *testing.T, o transporttest.Options) *transporttest.Site {
	o.Transports = func(*wheel.Wheel) []transport.Transport { return []transport.Transport{poll.New(poll.Options{})} }
	return transporttest.NewSite(t, o)
}

func ask(t *testing.T, s *transporttest.Site, query string) (*http.Response, string) {
	t.Helper()
	return s.Do(t, s.Request(t, "GET", "/v1/payments/p/poll"+query, "", "Authorization", "Bearer "+s.Ticket(t, "p", time.Hour)))
}

func paid() relay.Event {
	return relay.Event{
		ID: "shop:1", Payment: "p", Status: relay.Paid, Amount: "5.00", Currency: "EUR",
		Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
	}
}

func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Options{})
		resp, body := ask(t, s, "?wait=0s")
		want := `^{"events":\[\],"state":{"payment":"p","status":"pending","final":false,"conflict":false,"position":"(\w+)\.0"},"position":"\w+\.0","end":null}$`
		if !regexp.MustCompile(want).MatchString(body) || resp.StatusCode != 200 {
			t.Errorf("nothing to tell: %d %s", resp.StatusCode, body)
		}
		for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Vary": "Origin"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		at := s.Publish(t, paid())
		_, body = ask(t, s, "")
		want = `^{"events":\[{"specversion":.*"type":"payment.paid".*}\],"state":{.*"status":"paid","final":true.*},"position":"` + at.String() + `","end":{"code":"done"}}$`
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("paid: %s", body)
		}
		resp, body = ask(t, s, "?after="+at.String())
		want = `^{"events":\[\],"state":{.*"status":"paid".*},"position":"` + at.String() + `","end":{"code":"done"}}$`
		if !regexp.MustCompile(want).MatchString(body) || resp.StatusCode != 200 {
			t.Errorf("known already: %d %s", resp.StatusCode, body)
		}
	})
}

// TestWait looks at how long a poll with nothing to tell takes: longer than a request may take to arrive, too.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Options{})
		for query, want := range map[string]time.Duration{
			"": 25 * time.Second, "?wait=": 25 * time.Second, "?wait=0s": 0, "?wait=0": 0, "?wait=300ms": 300 * time.Millisecond,
			"?wait=60s": time.Minute, "?wait=1m": time.Minute,
		} {
			begin := time.Now()
			if resp, body := ask(t, s, query); resp.StatusCode != 200 {
				t.Errorf("%s: status %d, %s", query, resp.StatusCode, body)
			}
			if took := time.Since(begin); took != want {
				t.Errorf("%s took %s", query, took)
			}
		}
		for _, query := range []string{"?wait=61s", "?wait=-1s", "?wait=25", "?wait=soon", "?wait=1h"} {
			if resp, body := ask(t, s, query); resp.StatusCode != 400 {
				t.Errorf("%s: status %d, %s", query, resp.StatusCode, body)
			}
		}
	})
}

// TestReplayKeepsState has a log in which something stored and not told lies behind what is told.
func TestReplayKeepsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Options{})
		s.Publish(t, paid())
		other := paid()
		other.ID, other.Amount = "shop:2", "6.00"
		at := s.Publish(t, other)
		_, body := ask(t, s, "")
		want := `"conflict":true.*"position":"` + at.String() + `","end":{"code":"done"}}$`
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("answer is %s", body)
		}
	})
}

// TestAnswerNotTaken has a client that stops reading before the answer: the write timeout ends it.
func TestAnswerNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := site(t, transporttest.Options{})
		conn, err := s.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := "GET /v1/payments/p/poll HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.Ticket(t, "p", time.Hour) + "\r\n\r\n"
		if _, err := conn.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
		s.Publish(t, paid())
		time.Sleep(11 * time.Second) // in the bubble
		if text, err := io.ReadAll(conn); len(text) != 0 || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}
