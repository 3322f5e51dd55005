package relay

import (
	"cmp"
	"fmt"
	"slices"
)

// take lets e, which no registration holds back, take effect at s.Position, or says in v what it contradicts.
func (s *State) take(e *Event, v *Verdict) {
	var told bool
	var conflict string
	switch {
	case s.bound.excludes(e.Source):
		conflict = s.bound.exclusion(e.Source)
	case s.lost() && (e.Status == Paid || e.Status == Refunded || e.Status == RefundFailed):
		conflict = fmt.Sprintf("%s after the final %s", e.Status, s.Status)
	case e.Status == Paid:
		told, conflict = s.takePaid(e)
	case e.Status == Refunded:
		told, conflict = s.takeRefund(e)
	case e.Status == RefundFailed:
		told, conflict = s.takeRefundFailed(e)
	default:
		told, conflict = s.takeOther(e)
	}
	if conflict != "" {
		v.contradict(s.Position, *e, conflict)
		return
	}
	if !slices.Contains(s.sources, e.Source) {
		s.sources = append(slices.Clip(s.sources), e.Source)
	}
	if e.Final && e.Time.After(s.finalAt) {
		s.finalAt = e.Time
	}
	s.summarise()
	if told {
		v.Told = append(v.Told, Told{Position: s.Position, Event: *e})
	}
}

// lost reports whether the outcome is that the payment can never be paid.
func (s *State) lost() bool { return s.Final && (s.Status == Closed || s.Status == Failed) }

// decide makes e what Status and Final come from.
func (s *State) decide(e *Event, status Status) {
	s.deciding, s.Status, s.Final = e, status, e.Final
}

func (s *State) takePaid(e *Event) (told bool, conflict string) {
	if s.bound.refuses(e) {
		s.refused = true
		return false, s.bound.refusal(e)
	}
	first := s.payment.Status != Paid
	if p := s.payment; !first && p.Amount != "" && e.Amount != "" && (!p.Amount.Equal(e.Amount) || p.Currency != e.Currency) {
		return false, fmt.Sprintf("paid %s, and before that %s", money(e.Amount, e.Currency), money(p.Amount, p.Currency))
	}
	if first || preferred(e, s.payment) {
		s.payment = e
	}
	if s.Final { // paid already, or a refund that overtook its payment
		return false, ""
	}
	s.decide(e, Paid)
	return true, ""
}

// takeRefund folds a refund, which may overtake its payment. But where the only payment is one that the registration
// refused, that is what was refunded: the order is as unpaid as before, and the wait for its payment goes on.
func (s *State) takeRefund(e *Event) (told bool, conflict string) {
	if s.refused && s.payment.Status != Paid && s.Status != Refunded {
		return false, "refund of a payment that was not accepted"
	}
	before := s.Refunded
	s.refunds = append(slices.Clip(s.refunds), *e)
	if s.Status == Refunded {
		s.summarise()
		return !s.Refunded.Equal(before), ""
	}
	s.decide(e, Refunded)
	return true, ""
}

// takeRefundFailed folds what implies that the payment is paid, but not how much: where an amount is registered, the
// event of the payment itself is waited for.
func (s *State) takeRefundFailed(e *Event) (told bool, conflict string) {
	switch {
	case s.Status == Refunded:
		return false, "refund failed after it was reported as done"
	case s.Status == Paid, s.bound.amount != "":
		return false, ""
	}
	s.decide(e, Paid)
	return true, ""
}

// takeOther folds what says that the payment is not paid: pending, failed, closed.
func (s *State) takeOther(e *Event) (told bool, conflict string) {
	d := s.deciding
	switch {
	case s.Final && e.Final && s.Status != e.Status:
		return false, fmt.Sprintf("final %s after the final %s", e.Status, s.Status)
	case s.Final:
		if e.Final && preferred(e, d) {
			s.decide(e, e.Status)
		}
		return false, ""
	case !e.Final && d.Status != "" && older(e, d):
		return false, ""
	case !e.Final && e.Status == d.Status && e.Time.Equal(d.Time) && !preferred(e, d):
		return true, ""
	}
	s.decide(e, e.Status)
	return true, ""
}

// older orders events that are not final: by time, and at the same time by how far the payment has come.
func older(e, f *Event) bool {
	if c := e.Time.Compare(f.Time); c != 0 {
		return c < 0
	}
	return rank(e.Status) < rank(f.Status)
}

func rank(s Status) int { return slices.Index([]Status{Pending, Failed, Closed}, s) }

// preferred reports whether e's amount counts rather than f's, both of which say the same: the one that has an amount,
// else the later one. All that matters of the rest is that the order in the log does not.
func preferred(e, f *Event) bool {
	if known := e.Amount != ""; known != (f.Amount != "") {
		return known
	}
	return cmp.Or(e.Time.Compare(f.Time), cmp.Compare(e.ID, f.ID)) > 0
}

// summarise derives the members that depend on several events.
func (s *State) summarise() {
	s.UpdatedAt = s.deciding.Time
	if s.Final {
		s.UpdatedAt = s.finalAt
	}
	switch d := s.deciding; {
	case s.payment.Amount != "":
		s.Amount, s.Currency = s.payment.Amount, s.payment.Currency
	case s.bound.amount != "":
		s.Amount, s.Currency = s.bound.amount, s.bound.currency
	case s.payment.Status == Paid:
		s.Amount, s.Currency = "", s.payment.Currency
	case d.Status == Refunded || d.Status == RefundFailed: // their amount is the refund's
		s.Amount, s.Currency = "", ""
	default:
		s.Amount, s.Currency = d.Amount, d.Currency
	}
	if len(s.refunds) != 0 {
		s.Refunded, s.Currency = total(s.refunds, s.Currency)
	}
}

// total returns what the refunds in currency come to: the largest cumulative amount, or the sum of the distinct
// refunds where that is more. If the currency is unknown the refunds' own is taken; a refund without one counts as one
// in it. A refund that is notified several times counts once, with its largest amount.
func total(refunds []Event, currency string) (Amount, string) {
	if currency == "" {
		for _, r := range refunds {
			currency = max(currency, r.Currency)
		}
	}
	var sum, largest Amount
	single := make(map[string]Amount)
	for _, r := range refunds {
		switch id := cmp.Or(r.RefundID, r.ID); {
		case r.Currency != "" && r.Currency != currency:
		case r.Cumulative:
			largest = larger(largest, r.Amount)
		default:
			single[id] = larger(single[id], r.Amount)
		}
	}
	for _, a := range single {
		sum = sum.Plus(a)
	}
	return larger(sum, largest), currency
}

// larger returns the larger of two amounts, of equal ones a; unknown is less than anything known.
func larger(a, b Amount) Amount {
	if a == "" || b != "" && b.Cmp(a) > 0 {
		return b
	}
	return a
}
