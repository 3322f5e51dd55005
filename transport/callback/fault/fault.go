// Package fault makes callbacks that go wrong in the ways in which providers, networks and strangers make them go wrong:
// twice, out of order, late, cut, changed on the way, signed with the wrong key, for somebody else. `tillbell send --fault`
// and the demo shop post what it makes, to show what comes of it.
//
// It knows no provider. What a fault needs beside a Signer it makes from the settings of the account and the struct tags of
// their fields, as callback's options.go says.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// The faults. What the first five make is genuine and is acknowledged; what the others make must be refused.
const (
	Duplicate     = "duplicate"      // the same callback twice
	Reorder       = "reorder"        // the outcome first, then what should have come before it
	Late          = "late"           // signed at the time, about something of an hour before
	RotatedKey    = "rotated-key"    // signed with the oldest of the shared secrets
	WrongAmount   = "wrong-amount"   // says one minor unit more: it counts for no payment that is registered with less
	BadSignature  = "bad-signature"  // changed after it was signed
	WrongKey      = "wrong-key"      // signed with a key that is nobody's
	Truncated     = "truncated"      // its body ends in the middle
	OtherMerchant = "other-merchant" // signed with the right key, for another account
	Stale         = "stale"          // signed an hour before the time, or a month where an hour is not too old
	Probe         = "probe"          // the provider's own deliberate wrong signature
)

// Names are all faults, in the order in which they are offered.
var Names = []string{
	Duplicate, Reorder, Late, RotatedKey, WrongAmount, BadSignature, WrongKey, Truncated, OtherMerchant, Stale, Probe,
}

const (
	// long is how late a late callback comes and how old a stale signature is.
	long = time.Hour
	// veryLong is how old it is of providers whose retries go on for days with the same signature.
	veryLong = 30 * 24 * time.Hour
)

// Posting is one callback to post.
type Posting struct {
	Request callback.Request
	// Says is what is signed.
	Says callback.Notification
	// Note says in a few words what is wrong with it; empty where nothing is.
	Note string
	// Forged says that it must be refused.
	Forged bool
	// Disputed says that it must be acknowledged, and does not count for a payment that is registered with the amount that
	// was meant: that is a conflict.
	Disputed bool
	// Signer has the keys of the API that knows it, where a callback has to be asked back: the API is told by it, before the
	// callback is posted and as of the time at which it is signed.
	Signer callback.Signer
}

// Compose signs n at the time now and returns what to post, in order: the one callback of a fault that is empty, or those
// that the fault is made of. A Time of n that is zero is now. It is an error if the provider has no such fault, no callback
// for n's status, or nothing that could overtake or be overtaken, and if the account lacks what the fault needs; the error
// then says what to configure.
func Compose(name string, a Account, n callback.Notification, now time.Time) ([]Posting, error) {
	if n.Time.IsZero() {
		n.Time = now
	}
	if forge, ok := forgeries[name]; ok {
		return forge.compose(name, a, n, now)
	}
	switch name {
	case "":
		return one("", a.Signer, n, now)
	case Duplicate:
		return twice(a.Signer, n, now)
	case Reorder:
		return reorder(a.Signer, n, now)
	case Late:
		n.Time = now.Add(-long)
		return one(Late, a.Signer, n, now)
	case RotatedKey:
		signer, err := a.rotatedKey()
		if err != nil {
			return nil, err
		}
		list, err := one(RotatedKey, signer, n, now)
		if err != nil {
			return nil, err
		}
		list[0].Signer = a.Signer
		return list, nil
	case WrongAmount:
		return wrongAmount(a.Signer, n, now)
	default:
		return nil, fmt.Errorf("fault: %q is none of %s", name, strings.Join(Names, ", "))
	}
}

// one returns the callback that says n.
func one(note string, signer callback.Signer, n callback.Notification, now time.Time) ([]Posting, error) {
	r, err := signer.Sign(n, now)
	if err != nil {
		return nil, err
	}
	return []Posting{{Request: r, Says: n, Note: note, Signer: signer}}, nil
}

func twice(signer callback.Signer, n callback.Notification, now time.Time) ([]Posting, error) {
	list, err := one("", signer, n, now)
	if err != nil {
		return nil, err
	}
	again := list[0]
	again.Note = "the same again"
	return append(list, again), nil
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
	if err != nil && n.Status == relay.Refunded {
		return nil, errors.New("nothing that this provider tells comes before the outcome: nothing can be overtaken")
	}
	if err != nil {
		return nil, err
	}
	return []Posting{
		{Request: later, Says: n, Note: "overtook", Signer: signer},
		{Request: earlier, Says: before, Note: "overtaken", Signer: signer},
	}, nil
}

// wrongAmount returns a callback about one minor unit more than n says.
func wrongAmount(signer callback.Signer, n callback.Notification, now time.Time) ([]Posting, error) {
	if n.Status != relay.Paid {
		return nil, errors.New("the amount of a payment is compared where it is paid: try this fault with the status paid")
	}
	minor, err := money.ToMinor(n.Amount, n.Currency)
	if err != nil {
		return nil, fmt.Errorf("fault: %w", err)
	}
	if n.Amount, err = money.FromMinor(increment(minor), n.Currency); err != nil {
		return nil, fmt.Errorf("fault: %w", err)
	}
	list, err := one("one minor unit too much", signer, n, now)
	if err != nil {
		return nil, err
	}
	list[0].Disputed = true
	return list, nil
}

// increment returns the integer after one that is written in digits, however many there are.
func increment(digits string) string {
	b := []byte(digits)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] <= '9' {
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}
