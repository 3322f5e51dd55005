package history

import (
	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
)

// An Outcome is what a payment's events come to by DESIGN's rules, written down once more: as far as the scripts go,
// and without a look at what relay does.
type Outcome struct {
	Status   relay.Status
	Final    bool
	Conflict bool
	Paid     relay.Amount // of the first payment that counts

	refused bool // somebody paid what is not registered
	age     int  // of the event that is not final and counts
	any     bool
}

// Begin is the outcome before any event.
var Begin = Outcome{Status: relay.Pending}

// Take takes the next event of the log and reports whether waiters are told it.
func (o *Outcome) Take(e script.Event, registered relay.Amount) (told bool) {
	lost := o.Final && o.Status == relay.Closed
	switch e.Status {
	case relay.Paid:
		switch {
		case lost, o.Paid != "" && o.Paid != e.Amount:
			o.Conflict = true
		case registered != "" && registered != e.Amount:
			o.Conflict, o.refused = true, true
		case o.Final:
			o.Paid = e.Amount
		default:
			o.Paid = e.Amount
			told = o.decide(e)
		}
	case relay.Refunded:
		if lost || o.refused && o.Paid == "" {
			o.Conflict = true
		} else {
			told = o.decide(e)
		}
	case relay.Closed:
		if o.Final {
			o.Conflict = true
		} else {
			told = o.decide(e)
		}
	default:
		if !o.Final && (!o.any || e.Age > o.age) {
			told = o.decide(e)
		}
	}
	return told
}

func (o *Outcome) decide(e script.Event) bool {
	o.Status, o.Final, o.age, o.any = e.Status, e.Final(), e.Age, true
	return true
}
