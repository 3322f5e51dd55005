package js_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tillbell/tillbell/relay"
)

// tab opens another page of the shop in the same browser. It ends with the function, or with the test.
func (s *shop) tab() (*shop, context.CancelFunc) {
	s.t.Helper()
	ctx, closeTab := chromedp.NewContext(s.page)
	s.t.Cleanup(closeTab)
	other := &shop{t: s.t, relay: s.relay, tickets: s.tickets, web: s.web, page: ctx}
	other.load()
	return other, closeTab
}

// counted lets the server count the streams and sockets that begin.
func (s *shop) counted() <-chan string {
	begun := make(chan string, 100)
	s.intercept(func(way string, _ http.ResponseWriter, _ *http.Request) bool {
		if way == "sse" || way == "ws" || way == "poll" {
			begun <- way
		}
		return false
	})
	return begun
}

// TestTabsShareOneStream: a second page is told through the first, and takes over when that is closed.
func TestTabsShareOneStream(t *testing.T) {
	s := newShop(t)
	begun := s.counted()
	first, closeFirst := s.tab()
	second, _ := s.tab()
	first.begin(s.mint(time.Hour), "")
	receive(s, begun)
	receive(s, s.parked)
	second.begin(s.mint(time.Hour), "")
	second.until(`log.length === 1`)
	s.publish(relay.Failed)
	second.until(`log.includes("event failed")`)
	if len(begun) != 0 {
		t.Errorf("the second page began with %s", <-begun)
	}
	closeFirst()
	receive(s, begun)
	receive(s, s.parked)
	s.publish(relay.Paid)
	wantLog(t, second.wantPaid(), "state pending", "event failed", "state failed", "event paid", "state paid")
}

// TestTabThatSleeps: a page that leads and does not answer any longer holds nobody up.
func TestTabThatSleeps(t *testing.T) {
	s := newShop(t)
	// A page that holds the lock and says nothing is what a sleeping one looks like.
	evaluate[any](s, `{navigator.locks.request("tillbell " + location.origin + "/v1/payments/order%2F1001%20%C3%BC",
		() => new Promise(() => {})); null}`)
	begun := s.counted()
	other, _ := s.tab()
	other.begin(s.mint(time.Hour), "")
	receive(s, begun)
	receive(s, s.parked)
	s.publish(relay.Paid)
	other.wantPaid()
}

// TestSevenPayments: browsers make six connections to a server over HTTP/1.1. The streams of all pages leave some free.
func TestSevenPayments(t *testing.T) {
	s := newShop(t)
	begun := s.counted()
	evaluate[any](s, `{window.payments = ["a", "b", "c", "d", "e", "f", "g"]; null}`)
	tickets := make([]string, 7)
	for i, payment := range strings.Split("a b c d e f g", " ") {
		token, err := s.tickets.Mint(payment, time.Now().Add(time.Hour), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		tickets[i] = `"` + token + `"`
	}
	evaluate[any](s, `{window.waits = [`+strings.Join(tickets, ",")+`].map((ticket, i) => awaitPayment(payments[i], { ticket })); null}`)
	ways := make(map[string]int)
	for range 7 {
		ways[receive(s, begun)]++
	}
	if ways["sse"] != 4 || ways["ws"] != 3 {
		t.Errorf("waits at %v, want 4 streams and 3 sockets", ways)
	}
	for _, payment := range strings.Split("a b c d e f g", " ") {
		_, err := s.relay.Publish(t.Context(), relay.Event{ID: "shop:" + payment, Source: "shop", Payment: payment,
			Status: relay.Paid, Amount: "129.00", Currency: "CNY"})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := evaluate[string](s, `Promise.all(waits).then((all) => all.map((out) => out.status).join(" "))`); got !=
		"paid paid paid paid paid paid paid" {
		t.Errorf("told %s", got)
	}
}

// TestRemembersTheWay: a stream that does not come through is tried once, and the next page begins with what worked.
func TestRemembersTheWay(t *testing.T) {
	s := newShop(t)
	begun := make(chan string, 100)
	s.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		if way == "sse" || way == "ws" {
			begun <- way
		}
		if way == "sse" {
			http.NotFound(w, r)
		}
		return way == "sse"
	})
	s.begin(s.mint(time.Hour), "")
	if first, second := receive(s, begun), receive(s, begun); first != "sse" || second != "ws" {
		t.Errorf("began with %s, then %s", first, second)
	}
	s.publish(relay.Pending)
	s.until(`log.includes("event pending")`)
	s.load()
	s.begin(s.mint(time.Hour), "")
	if way := receive(s, begun); way != "ws" {
		t.Errorf("the next page began with %s", way)
	}
	s.publish(relay.Paid)
	s.wantPaid()
}

// TestFloor: a stream that shows its first frame and nothing more does not keep the outcome from the page.
func TestFloor(t *testing.T) {
	s := newShop(t)
	asked := make(chan string, 100)
	s.intercept(func(way string, w http.ResponseWriter, r *http.Request) bool {
		asked <- way
		if way != "sse" {
			return false
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("event: state\ndata: {\"payment\":\"p\",\"status\":\"failed\",\"position\":\"other.0\"}\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	s.begin(s.mint(time.Hour), "")
	s.until(`log.includes("state failed")`)
	s.publish(relay.Paid)
	s.wantPaid()
	close(asked)
	ways := make(map[string]int)
	for way := range asked {
		ways[way]++
	}
	if ways["sse"] != 1 || ways["ws"]+ways["poll"] != 0 {
		t.Errorf("requests %v, want one stream, and readings of the state", ways)
	}
}
