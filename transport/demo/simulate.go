package demo

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
	"github.com/tillbell/tillbell/transport/demo/live"
)

// statuses are what a provider may be told to call back with, in the order of the page's buttons.
var statuses = []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Closed, relay.Refunded}

// newCounter returns the source with the actions and faults that its provider has callbacks for.
func newCounter(source Source) counter {
	c, now := counter{Source: source}, time.Now()
	for _, status := range statuses {
		if _, err := c.compose("", "probe", status, now); err == nil {
			c.Actions = append(c.Actions, string(status))
		}
	}
	for _, name := range fault.Names {
		if c.has(name, now) {
			c.Faults = append(c.Faults, name)
		}
	}
	return c
}

// has reports whether the provider has the fault.
func (c counter) has(name string, now time.Time) bool {
	if name == fault.WrongKey && slices.Contains(c.Faults, fault.BadSignature) {
		return true // what is signed is signed with a key, and to find another one may take a while
	}
	_, err := c.compose(name, "probe", relay.Paid, now)
	return err == nil
}

// compose returns the callbacks that the fault makes of one that says the status; without a fault, that one.
func (c counter) compose(name, payment string, status relay.Status, now time.Time) ([]fault.Posting, error) {
	n := callback.Notification{Payment: payment, Status: status, Amount: price, Currency: c.Currency}
	return fault.Compose(name, c.Account, n, now)
}

// posted says what came of a callback.
type posted struct {
	Status       int    `json:"status"` // the HTTP status that the provider would see
	Acknowledged bool   `json:"acknowledged"`
	Note         string `json:"note"` // what is wrong with it, in a few words
}

// pay answers POST /demo/pay: the source's provider calls back, or somebody who pretends to be it.
func (s *Shop) pay(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, []string{"payment", "source", "action"}, "fault")
	if !ok {
		return
	}
	payment, name := body["payment"], body["fault"]
	if err := relay.CheckPayment(payment); err != nil {
		refuse(w, "invalid_payment", err.Error())
		return
	}
	c, ok := s.counter(body["source"])
	if !ok {
		refuse(w, "unknown_source", "the shop has no such source")
		return
	}
	if !slices.Contains(c.Actions, body["action"]) {
		refuse(w, "unknown_action", "the source has "+strings.Join(c.Actions, ", "))
		return
	}
	if name != "" && !slices.Contains(c.Faults, name) {
		refuse(w, "unknown_fault", "the source has "+strings.Join(c.Faults, ", "))
		return
	}
	now := time.Now()
	postings, err := c.compose(name, payment, relay.Status(body["action"]), now)
	if err != nil { // an id that this provider cannot have
		refuse(w, "invalid_payment", err.Error())
		return
	}
	answer := struct {
		Posted []posted `json:"posted"`
	}{}
	for _, p := range postings {
		status, err := s.deliver(live.About(r.Context(), payment), c.Name, p, now)
		if err != nil {
			refuse(w, "bad_request", "the callback cannot be posted: "+err.Error())
			return
		}
		answer.Posted = append(answer.Posted, posted{Status: status, Acknowledged: status/100 == 2, Note: p.Note})
	}
	transport.WriteJSON(w, http.StatusOK, answer)
}

// deliver hands the callback, which was signed at the time at, to its route as if it had been posted, and returns the
// answer's status. If the route will ask back, the provider's API is told first.
func (s *Shop) deliver(ctx context.Context, source string, p fault.Posting, at time.Time) (status int, err error) {
	if s.opts.Announce != nil {
		if err := s.opts.Announce(ctx, p, at); err != nil {
			return 0, err
		}
	}
	signed := p.Request
	r, err := http.NewRequestWithContext(ctx, signed.Method, "/v1/callbacks/"+source, bytes.NewReader(signed.Body))
	if err != nil {
		return 0, err
	}
	r.Header = signed.Header
	r.URL.RawQuery = signed.URL.RawQuery
	r.SetPathValue("source", source) // as the ServeMux does
	a := answer{header: make(http.Header)}
	s.opts.Callbacks.ServeHTTP(&a, r)
	return a.status, nil
}

// answer is a ResponseWriter that keeps the status alone.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK { // below it more follows
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return len(b), nil
}
