package relay

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Status is what an event says about its payment.
type Status string

// The statuses of DESIGN section 3. Registered is the odd one: it is an entry of the log that binds a payment to its
// source, amount and currency, and is never told.
const (
	Pending      Status = "pending"
	Failed       Status = "failed"
	Closed       Status = "closed"
	Paid         Status = "paid"
	Refunded     Status = "refunded"
	RefundFailed Status = "refund_failed"
	Registered   Status = "registered"
)

// Valid reports whether s is a status that an event may tell; Registered is not.
func (s Status) Valid() bool {
	switch s {
	case Pending, Failed, Closed, Paid, Refunded, RefundFailed:
		return true
	}
	return false
}

// Merchant is the source name of what the merchant publishes itself. No configured source may have it.
const Merchant = "merchant"

// Event is one notification about one payment, in canonical form. It is a value: copies are independent, and nothing
// in it refers to the bytes it was read from.
type Event struct {
	// ID is stable over the provider's retries. Within one payment the log holds an ID once.
	ID string
	// Source is the name of the source that was proven to have sent the event, or Merchant. In a registration it is
	// the only source that may change the payment, or empty for any.
	Source string
	// Payment is the merchant's id of the payment, see CheckPayment.
	Payment string
	Status  Status
	// Final says that no later event can change the outcome. It is always true for Paid, Refunded and RefundFailed
	// (the payment stays paid), never for Pending.
	Final bool
	// Time is the provider's. Zero means that the provider gave none that can be trusted: the engine then sets the
	// time of the append, so that two such events are never out of order.
	Time time.Time
	// Amount is in major units; of a refund it is the refund's. Empty means unknown.
	Amount Amount
	// Currency is the upper-case ISO 4217 code, empty when unknown.
	Currency string
	// Provider is the adapter's name, empty for what the merchant published.
	Provider string
	// TransactionID is the provider's own id of the payment.
	TransactionID string
	// ProviderStatus is the provider's own word for the status.
	ProviderStatus string

	// RefundID tells one refund of a payment from another where the provider names them; empty means ID does.
	RefundID string
	// Cumulative says that a refund's Amount is the total refunded so far, not this refund alone.
	Cumulative bool
	// NeedsRegistration holds the event back until its payment is registered.
	NeedsRegistration bool
}

// finality returns Final as the status demands it, or as it is where the status leaves a choice.
func (e *Event) finality() bool {
	switch e.Status {
	case Paid, Refunded, RefundFailed:
		return true
	case Pending, Registered:
		return false
	}
	return e.Final
}

// normal returns e, or a copy of it where Final is not as the status demands.
func (e *Event) normal() *Event {
	final := e.finality()
	if final == e.Final {
		return e
	}
	changed := *e
	changed.Final = final
	return &changed
}

// MaxPaymentID is the length of the longest payment id, in bytes.
const MaxPaymentID = 128

// CheckPayment reports why id cannot be a payment id: it is 1 to MaxPaymentID bytes of UTF-8 without control
// characters, and neither "." nor "..", which clients remove from URLs (RFC 3986, section 5.2.4).
func CheckPayment(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("payment id is empty")
	case len(id) > MaxPaymentID:
		return fmt.Errorf("payment id has %d bytes, at most %d are allowed", len(id), MaxPaymentID)
	case id == "." || id == "..":
		return fmt.Errorf("payment id must not be %q", id)
	case !utf8.ValidString(id):
		return fmt.Errorf("payment id is not UTF-8")
	}
	for _, c := range id {
		if c < 0x20 || c >= 0x7f && c < 0xa0 {
			return fmt.Errorf("payment id contains the control character %U", c)
		}
	}
	return nil
}
