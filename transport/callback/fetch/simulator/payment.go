// Package simulator is what the stand-ins of providers' payment APIs have in common: payments that were announced, and an
// http.Handler that asks for the key. How a payment looks and which words errors have is each provider's.
package simulator

import (
	"container/list"
	"fmt"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Announcement says what became of a payment. It is the JSON body of PUT /announcements/ID.
type Announcement struct {
	Payment string       `json:"payment"` // the merchant's id
	Account string       `json:"account"`
	Status  relay.Status `json:"status"`
	Amount  relay.Amount `json:"amount"` // of a refund the refund's
	// Currency is the payment's.
	Currency string    `json:"currency"`
	Time     time.Time `json:"time"`
	// Refund is the id of a refund.
	Refund string `json:"refund,omitempty"`
}

// Payment is one that the API knows.
type Payment struct {
	ID       string // the provider's
	Payment  string // the merchant's
	Account  string
	Status   relay.Status // pending, failed, closed or paid
	Amount   relay.Amount
	Currency string
	Created  time.Time
	Changed  time.Time // of Status
	Refunds  []Refund  // in the order in which they were announced
}

// Refund is one refund of a payment.
type Refund struct {
	ID     string
	Amount relay.Amount
	Failed bool
	Time   time.Time
}

// maxRefunds of a payment are kept; later ones are errors.
const maxRefunds = 50

// Tell returns p as it is after a, or an error that says what is wrong with a. What has happened does not go back: a payment
// that was paid stays so, with the amount that was announced last. The refund of a payment that nobody heard of means that
// the refund's amount was paid.
func (p Payment) Tell(a Announcement) (Payment, error) {
	if _, err := relay.ParseAmount(string(a.Amount)); err != nil {
		return p, err
	}
	if err := relay.CheckPayment(a.Payment); err != nil {
		return p, err
	}
	first := p.Status == ""
	if first {
		p.Created = a.Time
	}
	p.Payment, p.Account, p.Currency = a.Payment, a.Account, a.Currency
	switch a.Status {
	case relay.Pending, relay.Failed, relay.Closed:
		if p.Status != relay.Paid {
			p.Status, p.Amount, p.Changed = a.Status, a.Amount, a.Time
		}
	case relay.Paid:
		if p.Status != relay.Paid {
			p.Changed = a.Time
		}
		p.Status, p.Amount = relay.Paid, a.Amount
	case relay.Refunded, relay.RefundFailed:
		if p.Status != relay.Paid {
			p.Status, p.Changed = relay.Paid, a.Time
			if first {
				p.Amount = a.Amount
			}
		}
		return p.refund(a)
	default:
		return p, fmt.Errorf("status %q cannot be simulated", a.Status)
	}
	return p, nil
}

// refund adds the refund of a, or changes it if it is known. The payments of other readers keep their refunds.
func (p Payment) refund(a Announcement) (Payment, error) {
	r := Refund{ID: a.Refund, Amount: a.Amount, Failed: a.Status == relay.RefundFailed, Time: a.Time}
	refunds := append([]Refund(nil), p.Refunds...)
	for i := range refunds {
		if refunds[i].ID == r.ID {
			refunds[i] = r
			p.Refunds = refunds
			return p, nil
		}
	}
	if len(refunds) == maxRefunds {
		return p, fmt.Errorf("the payment has %d refunds, more are not simulated", maxRefunds)
	}
	p.Refunds = append(refunds, r)
	return p, nil
}

// Refunded returns the total of what was refunded, empty if nothing was.
func (p Payment) Refunded() (total relay.Amount) {
	for _, r := range p.Refunds {
		if !r.Failed {
			total = total.Plus(r.Amount)
		}
	}
	return total
}

// maxPayments are kept; the one that was announced first goes when another comes.
const maxPayments = 1000

// book has the payments by the provider's id.
type book struct {
	mu       sync.Mutex
	payments map[string]*list.Element // of order
	order    list.List                // of Payment, the oldest in front
}

func (b *book) tell(id string, a Announcement) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.payments[id]
	p := Payment{ID: id}
	if e != nil {
		p = e.Value.(Payment)
	}
	p, err := p.Tell(a)
	if err != nil {
		return err
	}
	if e != nil {
		e.Value = p
		return nil
	}
	if b.order.Len() == maxPayments {
		delete(b.payments, b.order.Remove(b.order.Front()).(Payment).ID)
	}
	if b.payments == nil {
		b.payments = make(map[string]*list.Element)
	}
	b.payments[id] = b.order.PushBack(p)
	return nil
}

func (b *book) payment(id string) (Payment, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.payments[id]; e != nil {
		return e.Value.(Payment), true
	}
	return Payment{}, false
}
