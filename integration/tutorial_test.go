package integration_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// The tutorial that this grew from is a Spring controller with two methods and a map:
//
//	GET  /push?payRecordId=123          makes an SseEmitter, puts it into the map under "123", and returns it
//	POST /pay-callback?payRecordId=123  takes the emitter of "123" from the map, sends "paid", and completes it
//
// The page opens an EventSource on the first and shows what it is sent. The payment provider calls the second. This is
// the same story, told with Tillbell, and each case in which the tutorial loses the payment, or gives it away.
//
// Each part names the row of the table in README.md, "Coming from a hand-written stream", that it walks.
var tutorial = []struct {
	name string
	row  string // what the row begins with
	walk func(*testing.T, *story)
}{
	{"the page waits and the callback comes", "`emitter.send(…)`, `emitter.complete()`", pageIsTold},
	{"the callback comes before the page waits", "the callback before the page: lost", callbackFirst},
	{"two tabs wait for one payment", "a second tab replaces the emitter", twoTabs},
	{"nobody waits for the payment", "`Map<String, SseEmitter>`", nobodyWaits},
	{"the page goes away and comes back", "`onError`, `onTimeout`, map clean-up", pageComesBack},
	{"a stranger opens the page's stream", "`GET /push?payRecordId=123`", strangerListens},
	{"a stranger forges the callback", "`POST /pay-callback?payRecordId=123`", strangerCalls},
	{"the wait expires", "`new SseEmitter(timeout)`", waitExpires},
}

// TestTutorial walks the story from beginning to end. Every part has a checkout of its own.
func TestTutorial(t *testing.T) {
	t.Parallel()
	s := start(t, defaults())
	for _, part := range tutorial {
		t.Run(part.name, func(t *testing.T) {
			part.walk(t, &story{server: s, payment: "123 " + part.name})
		})
	}
}

// TestTutorialTable holds that every row of the README's table is walked, and nothing else.
func TestTutorialTable(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## Coming from a hand-written stream")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows, walked []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 4 && !strings.HasPrefix(cells[1], "--") {
			rows = append(rows, strings.TrimSpace(cells[1]))
		}
	}
	for _, part := range tutorial {
		walked = append(walked, part.row)
	}
	if len(rows) == 0 || rows[0] != "there" {
		t.Fatalf("the README has no such table: %q", rows)
	}
	rows = rows[1:]
	slices.Sort(rows)
	slices.Sort(walked)
	if !slices.Equal(rows, walked) {
		t.Errorf("the README's rows are\n%q\nand what is walked is\n%q", rows, walked)
	}
}

// story is one checkout in the shop.
type story struct {
	server  *server
	payment string
	ticket  string
}

// checkout: the shop's backend registers what the payer shall pay, and writes the ticket into the page.
func (s *story) checkout(t *testing.T) {
	t.Helper()
	s.ticket = s.server.register(t, s.payment)
}

// opensPage: a browser shows the page, whose EventSource waits.
func (s *story) opensPage(t *testing.T) *wait {
	t.Helper()
	return page.wait(t, request{server: s.server.url, payment: s.payment, ticket: s.ticket})
}

// pays: the payer confirms in the bank's app, and the provider calls.
func (s *story) pays(t *testing.T) {
	t.Helper()
	s.server.tells(t, s.payment, relay.Paid, "129.00")
}

// Where all goes well both designs do the same: one message, then the stream is over. The tutorial's browser comes back
// three seconds later and waits for ever; here it is told to stay away.
func pageIsTold(t *testing.T, s *story) {
	s.checkout(t)
	tab := s.opensPage(t)
	tab.wants(t, "opened", "state pending")
	s.pays(t)
	tab.wants(t, "event paid 129.00")
	tab.ends(t, "done")
}

// The payer was faster than the page. The tutorial finds no emitter and drops the call, and the page waits until the
// payer gives up. Here the outcome is kept, and the page has it as soon as it asks.
func callbackFirst(t *testing.T, s *story) {
	s.checkout(t)
	s.pays(t)
	tab := s.opensPage(t)
	tab.wants(t, "opened", "state paid", "event paid 129.00")
	tab.ends(t, "done")
}

// The payer opens the page a second time, perhaps on the phone. In the tutorial the second emitter takes the first
// one's place in the map. Here both are told.
func twoTabs(t *testing.T, s *story) {
	s.checkout(t)
	desk, phone := s.opensPage(t), s.opensPage(t)
	desk.wants(t, "opened", "state pending")
	phone.wants(t, "opened", "state pending")
	s.pays(t)
	desk.wants(t, "event paid 129.00", "end done")
	phone.wants(t, "event paid 129.00", "end done")
}

// The payer closed the page, or the shop never showed one. In the tutorial the provider is told "success" and nobody
// ever learns of it. Here it is stored before the provider is told anything, and the shop's backend reads it from the
// feed, whoever waits.
func nobodyWaits(t *testing.T, s *story) {
	s.server.tells(t, s.payment, relay.Paid, "129.00")
	if snap := s.server.snapshot(t, s.payment); snap.Status != "paid" || !snap.Final {
		t.Errorf("the payment is %+v, want paid", snap)
	}
	status, body := s.server.call(t, http.MethodGet, s.server.url+"/v1/events?wait=0s&limit=1000", "")
	if status != http.StatusOK {
		t.Fatalf("GET /v1/events: %d %s", status, body)
	}
	var feed struct {
		Events []struct {
			Applied bool
			Event   event
		}
	}
	if err := json.Unmarshal(body, &feed); err != nil {
		t.Fatal(err)
	}
	for _, e := range feed.Events {
		if e.Event.Subject == s.payment && e.Applied && e.Event.Data.Status == "paid" {
			return
		}
	}
	t.Errorf("the feed does not have the payment: %s", body)
}

// The page loses its connection, as pages do while the payer is in another app, and the callback comes meanwhile. In
// the tutorial it goes to an emitter that nobody reads from. Here the browser's EventSource comes back by itself and is
// told; there is no map to clean up.
func pageComesBack(t *testing.T, s *story) {
	s.checkout(t)
	network := newCutter(t, s.server.url)
	tab := page.wait(t, request{server: network.url, payment: s.payment, ticket: s.ticket})
	tab.wants(t, "opened", "state pending")
	network.cut()
	s.pays(t)
	tab.returns(t, "").wants(t, "state paid", "event paid 129.00")
	tab.ends(t, "done")
}

// Record ids are easy to guess. In the tutorial whoever knows one listens, and takes the payer's emitter away at that.
// Here it takes a ticket for exactly this payment.
func strangerListens(t *testing.T, s *story) {
	s.checkout(t)
	for _, ticket := range []string{"", "guessed", s.server.mint(t, "124", time.Hour)} {
		stranger := page.wait(t, request{server: s.server.url, payment: s.payment, ticket: ticket})
		stranger.refused(t, http.StatusUnauthorized)
	}
	tab := s.opensPage(t)
	tab.wants(t, "opened", "state pending")
}

// In the tutorial whoever calls /pay-callback?payRecordId=123 has paid. Here a forged callback changes nothing and the
// page does not hear of it: not one that is unsigned, not one that is signed with another key, not a genuine one of
// another payment that was changed on its way. The number in the address means nothing.
func strangerCalls(t *testing.T, s *story) {
	s.checkout(t)
	tab := s.opensPage(t)
	tab.wants(t, "opened", "state pending")

	target := "erp?payRecordId=123"
	paid := notice(s.payment, relay.Paid, "129.00")
	s.server.posts(t, target, erp(t, "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9yZ2VkLWZvcmdlZA=="), paid, http.StatusUnauthorized)
	unsigned, err := erp(t, erpSecret).Sign(paid, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	unsigned.Header.Del("Webhook-Signature")
	s.server.delivers(t, target, unsigned, http.StatusUnauthorized)
	other, err := erp(t, erpSecret).Sign(notice("another payment", relay.Paid, "129.00"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other.Body = []byte(strings.Replace(string(other.Body), "another payment", s.payment, 1))
	s.server.delivers(t, target, other, http.StatusUnauthorized)
	if snap := s.server.snapshot(t, s.payment); snap.Status != "pending" || len(snap.Events) != 0 {
		t.Errorf("forged callbacks left %+v", snap)
	}

	s.pays(t)
	tab.wants(t, "event paid 129.00", "end done")
}

// The tutorial's emitter times out, whereupon the browser comes back and makes the next one, for as
// long as the page is open. Here the wait ends with its ticket or its ttl, and the page is told so and can offer to pay
// again. The payment itself is not touched by that: paid afterwards, it is paid.
func waitExpires(t *testing.T, s *story) {
	s.checkout(t)
	tab := page.wait(t, request{server: s.server.url, payment: s.payment, ticket: s.ticket, ttl: "500ms"})
	tab.wants(t, "opened", "state pending")
	tab.ends(t, "expired")
	s.pays(t)
	s.opensPage(t).wants(t, "opened", "state paid", "event paid 129.00", "end done")
}
