package script

import "github.com/tillbell/tillbell/relay"

// A plot is a course that payments take. Every one of them has an outcome in the end, so that every wait ends.
type plot struct {
	weight     int
	card       bool // Stripe has callbacks for all of it
	contested  bool
	registered relay.Amount
	events     []Event
}

const (
	price = relay.Amount("12.00")
	other = relay.Amount("13.00")
)

// plots have most of what happens to be simple, as in life, and enough of the rest.
var plots = []plot{
	{weight: 42, card: true, events: []Event{{0, relay.Paid, price, 0}}},
	{weight: 14, card: true, events: []Event{{0, relay.Pending, price, 0}, {1, relay.Paid, price, 1}}},
	{weight: 8, card: true, events: []Event{{0, relay.Paid, price, 0}, {1, relay.Paid, price, 1}}},
	{weight: 4, card: true, contested: true, events: []Event{{0, relay.Paid, price, 0}, {0, relay.Paid, price, 1}}},
	{weight: 7, card: true, events: []Event{{0, relay.Paid, price, 0}, {1, relay.Refunded, price, 1}}},
	{weight: 3, card: true, contested: true, events: []Event{{0, relay.Paid, price, 0}, {0, relay.Refunded, price, 1}}},
	{weight: 5, events: []Event{{0, relay.Failed, price, 0}, {1, relay.Pending, price, 1}, {2, relay.Paid, price, 2}}},
	// An event that is older than the state is stored and not told.
	{weight: 2, events: []Event{{0, relay.Pending, price, 2}, {1, relay.Failed, price, 1}, {2, relay.Paid, price, 3}}},
	{weight: 2, contested: true, events: []Event{
		{0, relay.Pending, price, 1}, {0, relay.Failed, price, 2}, {1, relay.Paid, price, 3}}},
	// Contradictions: what comes first decides.
	{weight: 5, contested: true, events: []Event{{0, relay.Paid, price, 0}, {0, relay.Closed, price, 1}}},
	{weight: 2, contested: true, events: []Event{
		{0, relay.Paid, price, 0}, {0, relay.Closed, price, 1}, {0, relay.Refunded, price, 2}}},
	{weight: 2, contested: true, events: []Event{{0, relay.Paid, price, 0}, {0, relay.Paid, other, 1}}},
	{weight: 1, events: []Event{{0, relay.Closed, price, 0}, {1, relay.Paid, price, 1}}},
	// Somebody else's money does not pay what is registered.
	{weight: 3, registered: price, events: []Event{{0, relay.Paid, other, 0}, {1, relay.Paid, price, 1}}},
	{weight: 1, registered: price, contested: true, events: []Event{{0, relay.Paid, other, 0}, {0, relay.Paid, price, 1}}},
}

var total = func() (n int) {
	for _, p := range plots {
		n += p.weight
	}
	return n
}()
