package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// faults are what can be wrong with what send posts.
var faults = []string{"duplicate", "reorder", "late", "bad-signature", "stale", "probe"}

// long is how late a late callback comes and how old a stale signature is.
const long = time.Hour

// posting is one callback to post.
type posting struct {
	request callback.Request
	says    callback.Notification
	note    string // what is wrong with it
	forged  bool   // it must be refused
}

// compose signs what to post: one callback, or those that the fault is made of.
func compose(fault string, signer callback.Signer, section config.Source, n callback.Notification) ([]posting, error) {
	now := time.Now()
	if n.Time.IsZero() {
		n.Time = now
	}
	switch fault {
	case "reorder":
		return reorder(signer, n, now)
	case "late":
		n.Time = now.Add(-long)
	}
	signedAt := now
	if fault == "stale" {
		signedAt = now.Add(-long)
	}
	r, err := signer.Sign(n, signedAt)
	if err != nil {
		return nil, err
	}
	p := posting{request: r, says: n, note: fault}
	switch fault {
	case "duplicate":
		p.note = ""
		again := p
		again.note = "the same again"
		return []posting{p, again}, nil
	case "bad-signature":
		p.forged, p.request.Body = true, tamper(r)
	case "stale":
		p.forged = true
		return []posting{p}, mustBeStale(section, r, now)
	case "probe":
		prober, ok := signer.(callback.Prober)
		if !ok {
			return nil, errors.New("this provider sends no signature probes; WeChat Pay does")
		}
		p.forged = true
		p.request, err = prober.Probe(n, now)
	}
	return []posting{p}, err
}

// reorder returns the outcome and then an event that is older: pending where the provider has it, else paid after its
// refund.
func reorder(signer callback.Signer, n callback.Notification, now time.Time) ([]posting, error) {
	before := callback.Notification{
		Payment: n.Payment, Status: relay.Pending, Amount: n.Amount, Currency: n.Currency,
		TransactionID: n.TransactionID, Time: n.Time.Add(-time.Minute),
	}
	earlier, err := signer.Sign(before, now)
	if err != nil {
		n.Status, before.Status = relay.Refunded, relay.Paid
		if earlier, err = signer.Sign(before, now); err != nil {
			return nil, err
		}
	}
	later, err := signer.Sign(n, now)
	if err != nil {
		return nil, err
	}
	return []posting{
		{request: later, says: n, note: "overtook"},
		{request: earlier, says: before, note: "overtaken"},
	}, nil
}

// tamper returns the body with an addition that a signature over the exact bytes, or over all form parameters, cannot
// bear.
func tamper(r callback.Request) []byte {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return append(r.Body, "&tampered=1"...)
	}
	return append(r.Body, ' ')
}

// mustBeStale reports an error if the provider's signatures do not grow old.
func mustBeStale(section config.Source, r callback.Request, now time.Time) error {
	p, err := modules.Providers[section.Provider].New(section)
	if err != nil {
		return err
	}
	if _, err := p.Parse(r, now); err == nil {
		return errors.New("this provider's signatures have no time limit: a stale one is valid; try --fault late")
	}
	return nil
}

// print says in one line what was posted and what came of it.
func (p posting) print(w io.Writer, source string, a answered, o sendOptions) {
	if o.json {
		line, _ := json.Marshal(map[string]any{ // strings, a number and booleans always have a JSON form
			"source": source, "payment": p.says.Payment, "status": p.says.Status, "amount": p.says.Amount,
			"currency": p.says.Currency, "fault": o.fault, "acknowledged": a.acknowledged, "http_status": a.status, "answer": a.body,
			"conflict": a.conflict,
		})
		fmt.Fprintf(w, "%s\n", line)
		return
	}
	what := fmt.Sprintf("%s: %s %s %s %s", source, p.says.Payment, p.says.Status, p.says.Amount, p.says.Currency)
	if p.note != "" {
		what += " (" + p.note + ")"
	}
	result := "acknowledged"
	switch {
	case p.forged && a.acknowledged:
		result = "ACKNOWLEDGED, though it must not be"
	case p.forged:
		result = "refused, as it should be"
	case !a.acknowledged:
		result = "refused: " + a.body
	case a.conflict != "":
		result = "acknowledged, not applied: the payment is in conflict (" + a.conflict + ")"
	}
	fmt.Fprintf(w, "%s → %d %s\n", what, a.status, result)
}
