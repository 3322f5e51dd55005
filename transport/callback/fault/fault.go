// Package fault makes callbacks that go wrong in the ways in which providers, networks and strangers make them go wrong:
// twice, out of order, late, changed on the way, signed too long ago. `tillbell send --fault` and the demo shop post what
// it makes, to show what comes of it.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// The faults.
const (
	Duplicate    = "duplicate"     // the same callback twice
	Reorder      = "reorder"       // the outcome first, then what should have come before it
	Late         = "late"          // signed at the time, about something of an hour before
	BadSignature = "bad-signature" // changed after it was signed
	Stale        = "stale"         // signed an hour before the time
	Probe        = "probe"         // the provider's own deliberate wrong signature
)

// Names are all faults, in the order in which they are offered.
var Names = []string{Duplicate, Reorder, Late, BadSignature, Stale, Probe}

// long is how late a late callback comes and how old a stale signature is.
const long = time.Hour

// Account is whose callbacks go wrong.
type Account struct {
	Signer callback.Signer
	// Provider is the other half. Stale alone needs it, to see that the signature is refused.
	Provider callback.Provider
}

// Posting is one callback to post.
type Posting struct {
	Request callback.Request
	// Says is what is signed.
	Says callback.Notification
	// Note says in a few words what is wrong with it; empty where nothing is.
	Note string
	// Forged says that it must be refused.
	Forged bool
}

// Compose signs n at the time now and returns what to post, in order: the one callback of a fault that is empty, or those
// that the fault is made of. A Time of n that is zero is now. It is an error if the provider has no such fault, no callback
// for n's status, or nothing that could overtake or be overtaken.
func Compose(name string, a Account, n callback.Notification, now time.Time) ([]Posting, error) {
	if n.Time.IsZero() {
		n.Time = now
	}
	switch name {
	case "", Duplicate, Late, BadSignature:
	case Reorder:
		return reorder(a.Signer, n, now)
	case Stale:
		return stale(a, n, now)
	case Probe:
		return probe(a.Signer, n, now)
	default:
		return nil, fmt.Errorf("fault: %q is none of %s", name, strings.Join(Names, ", "))
	}
	if name == Late {
		n.Time = now.Add(-long)
	}
	r, err := a.Signer.Sign(n, now)
	if err != nil {
		return nil, err
	}
	p := Posting{Request: r, Says: n, Note: name}
	switch name {
	case Duplicate:
		p.Note = ""
		again := p
		again.Note = "the same again"
		return []Posting{p, again}, nil
	case BadSignature:
		p.Forged, p.Request.Body = true, tamper(r)
	}
	return []Posting{p}, nil
}

// reorder returns the outcome and then an event that is older: pending where the provider has it, else paid after its
// refund.
func reorder(signer callback.Signer, n callback.Notification, now time.Time) ([]Posting, error) {
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
	return []Posting{
		{Request: later, Says: n, Note: "overtook"},
		{Request: earlier, Says: before, Note: "overtaken"},
	}, nil
}

// stale returns a callback with a signature of long ago, and an error if the provider's signatures do not grow old.
func stale(a Account, n callback.Notification, now time.Time) ([]Posting, error) {
	r, err := a.Signer.Sign(n, now.Add(-long))
	if err != nil {
		return nil, err
	}
	if _, err := a.Provider.Parse(r, now); err == nil {
		return nil, errors.New("this provider's signatures have no time limit: a stale one is valid; try the fault late")
	}
	return []Posting{{Request: r, Says: n, Note: Stale, Forged: true}}, nil
}

func probe(signer callback.Signer, n callback.Notification, now time.Time) ([]Posting, error) {
	prober, ok := signer.(callback.Prober)
	if !ok {
		return nil, errors.New("this provider sends no signature probes; WeChat Pay does")
	}
	r, err := prober.Probe(n, now)
	if err != nil {
		return nil, err
	}
	return []Posting{{Request: r, Says: n, Note: Probe, Forged: true}}, nil
}

// tamper returns the body with an addition that a signature over the exact bytes, or over all form parameters, cannot
// bear.
func tamper(r callback.Request) []byte {
	addition := " "
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		addition = "&tampered=1"
	}
	return slices.Concat(r.Body, []byte(addition))
}
