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
)

// statuses are what a provider may be told to call back with, in the order of the page's buttons.
var statuses = []relay.Status{relay.Paid, relay.Pending, relay.Failed, relay.Closed, relay.Refunded}

// forged is the action of a callback about a payment that somebody changed after it was signed.
const forged = "forged"

// supported returns the actions that the signer's provider has callbacks for.
func supported(signer callback.Signer) []string {
	var actions []string
	for _, status := range statuses {
		if _, err := signer.Sign(callback.Notification{Payment: "probe", Status: status}, time.Now()); err == nil {
			actions = append(actions, string(status))
		}
	}
	if slices.Contains(actions, string(relay.Paid)) {
		actions = append(actions, forged)
	}
	return actions
}

// posted says what came of a callback.
type posted struct {
	Status       int  `json:"status"` // the HTTP status that the provider would see
	Acknowledged bool `json:"acknowledged"`
}

// pay answers POST /demo/pay: the source's provider calls back.
func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, "payment", "source", "action")
	if !ok {
		return
	}
	if err := relay.CheckPayment(body["payment"]); err != nil {
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
	signed, err := c.sign(body["payment"], body["action"])
	if err != nil { // an id that this provider cannot have
		refuse(w, "invalid_payment", err.Error())
		return
	}
	status, err := s.deliver(r.Context(), c.Name, signed)
	if err != nil {
		refuse(w, "bad_request", "the callback cannot be posted: "+err.Error())
		return
	}
	transport.WriteJSON(w, http.StatusOK, posted{Status: status, Acknowledged: status/100 == 2})
}

// sign returns the callback that the action is about.
func (c counter) sign(payment, action string) (callback.Request, error) {
	now := time.Now()
	n := callback.Notification{Payment: payment, Status: relay.Status(action), Amount: price, Currency: c.Currency, Time: now}
	if action == forged {
		n.Status = relay.Paid
	}
	signed, err := c.Signer.Sign(n, now)
	if err == nil && action == forged {
		tamper(&signed)
	}
	return signed, err
}

// tamper adds to the body what neither a signature over its exact bytes nor one over all form parameters can bear.
func tamper(r *callback.Request) {
	addition := " "
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		addition = "&tampered=1"
	}
	r.Body = append(r.Body, addition...)
}

// deliver hands the callback to its route as if it had been posted, and returns the answer's status.
func (s *shop) deliver(ctx context.Context, source string, signed callback.Request) (status int, err error) {
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
