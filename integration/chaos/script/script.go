// Package script says what providers call back about during a run: for each payment its callbacks, in rounds. It is a
// pure function of the run and the payment's number, so that nobody has to remember what was posted in order to know
// whether what a server tells is genuine: an event's id leads to all that its callback said.
//
// All values are safe for concurrent use.
package script

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"github.com/tillbell/tillbell/relay"
)

// MaxEvents bounds the callbacks of one payment.
const MaxEvents = 8

// The sources that a server under test is configured with.
const (
	ERP  = "erp"  // standard-webhooks
	Card = "card" // stripe
)

// Currency of all amounts.
const Currency = "EUR"

// Event is one callback of a payment.
type Event struct {
	// Round orders the callbacks of a payment: those of one round are posted at the same time, those of the next after
	// all of them are acknowledged.
	Round  int
	Status relay.Status
	Amount relay.Amount
	// Age orders the events' own times: a higher one is later. No two of one payment are equal.
	Age int
}

// Final reports whether the event decides its payment.
func (e Event) Final() bool {
	return e.Status == relay.Paid || e.Status == relay.Refunded || e.Status == relay.Closed
}

// Payment is one payment and its callbacks.
type Payment struct {
	Number uint64
	ID     string
	Source string
	// Registered is the amount that the merchant registers before the first callback; empty means that it registers
	// nothing.
	Registered relay.Amount
	Events     []Event
	// Contested says that the order of arrival decides what becomes of the payment.
	Contested bool
}

// A Book is the script of one run.
type Book struct {
	run  string
	seed uint64
	base time.Time
}

// runLen is the length of a run's name in the ids of package message.
const runLen = 6

// NewBook returns the script of a run, whose events' times begin at base. Books of different names have no id in
// common. A name is 6 lower-case letters or digits.
func NewBook(run string, seed uint64, base time.Time) (*Book, error) {
	if len(run) != runLen {
		return nil, fmt.Errorf("script: the run %q has %d characters, want %d", run, len(run), runLen)
	}
	return &Book{run: run, seed: seed, base: base.Truncate(time.Second)}, nil
}

// Payment returns the payment of a number, from 0.
func (b *Book) Payment(number uint64) Payment {
	draw := rand.New(rand.NewPCG(b.seed, number))
	p := Payment{Number: number, ID: "order-" + b.run + "-" + strconv.FormatUint(number, 10), Source: ERP}
	at := draw.IntN(total)
	for i := range plots {
		if at -= plots[i].weight; at < 0 {
			p.Events, p.Registered, p.Contested = plots[i].events, plots[i].registered, plots[i].contested
			if plots[i].card && draw.IntN(2) == 0 {
				p.Source = Card
			}
			break
		}
	}
	return p
}

// EventID returns the provider's id of a payment's event.
func (b *Book) EventID(number uint64, event int) string {
	id := string(message.ID{Run: b.run, Number: number*MaxEvents + uint64(event)}.Append(nil))
	if b.Payment(number).Source == Card {
		return "evt_" + id
	}
	return id
}

// Time returns the event's own time.
func (b *Book) Time(e Event) time.Time { return b.base.Add(time.Duration(e.Age) * time.Second) }

// Find returns the payment and the event that the id of a relay's event names. It is not ok if no callback of this run
// can have that id.
func (b *Book) Find(id string) (p Payment, event int, ok bool) {
	source, own, _ := strings.Cut(id, ":")
	number, _, found := message.NewIDScanner(b.run).Next([]byte(own))
	if !found {
		return Payment{}, 0, false
	}
	p = b.Payment(number / MaxEvents)
	event = int(number % MaxEvents)
	if event >= len(p.Events) || source != p.Source || own != b.EventID(p.Number, event) {
		return Payment{}, 0, false
	}
	return p, event, true
}
