package relay

import (
	"cmp"
	"fmt"
)

// binding is what registrations tie a payment to. Empty members bind nothing; amount and currency go together.
type binding struct {
	source   string
	amount   Amount
	currency string
}

// differs reports whether the registration e names another source, amount or currency than what is bound.
func (b binding) differs(e Event) bool {
	return b.source != "" && e.Source != "" && b.source != e.Source ||
		b.amount != "" && e.Amount != "" && (!b.amount.Equal(e.Amount) || b.currency != e.Currency)
}

// lacks reports whether the registration e names something that is not bound.
func (b binding) lacks(e Event) bool {
	return b.source == "" && e.Source != "" || b.amount == "" && e.Amount != ""
}

// and returns b with what the registration e names beyond it. They must not differ.
func (b binding) and(e Event) binding {
	b.source = cmp.Or(b.source, e.Source)
	if b.amount == "" && e.Amount != "" {
		b.amount, b.currency = e.Amount, e.Currency
	}
	return b
}

// refuses reports whether the paid event p has another amount or currency than bound, or none.
func (b binding) refuses(p *Event) bool {
	return b.amount != "" && (!b.amount.Equal(p.Amount) || b.currency != p.Currency)
}

// excludes reports whether another source than the named one is bound.
func (b binding) excludes(source string) bool { return b.source != "" && b.source != source }

// register binds what e names and nothing bound before, and releases what was held back, each event at its own Sub
// of e's place. A registration that differs from an earlier one changes nothing, not even Conflict: its sender was
// told so.
func (s *State) register(e *Event, v *Verdict) {
	if s.bound.differs(*e) {
		return
	}
	s.registered = true
	s.bound = s.bound.and(*e)
	if reason := s.misfit(); reason != "" {
		v.contradict(s.Position, *e, reason)
	}
	s.summarise()
	held := s.held
	s.held = nil
	for i := range held {
		s.Position.Sub++
		s.take(&held[i], v)
	}
}

// misfit says how what took effect already differs from what is bound.
func (s *State) misfit() string {
	if p := s.payment; p.Status == Paid && s.bound.refuses(p) {
		return s.bound.refusal(p)
	}
	if s.unproven() {
		return s.bound.refusal(&nothing)
	}
	for _, source := range s.sources {
		if s.bound.excludes(source) {
			return s.bound.exclusion(source)
		}
	}
	return ""
}

// unproven reports whether the payment counts as paid by a failed refund alone, which names no amount, though one is
// bound.
func (s *State) unproven() bool {
	return s.Status == Paid && s.payment.Status != Paid && s.bound.amount != ""
}

// outcomeDiffers reports whether the outcome, rather than anything that took effect, differs from what is bound.
func (s *State) outcomeDiffers() bool {
	if !s.Final {
		return false
	}
	if s.payment.Status == Paid {
		return s.bound.excludes(s.deciding.Source) || s.bound.excludes(s.payment.Source) || s.bound.refuses(s.payment)
	}
	return s.bound.excludes(s.deciding.Source) || s.unproven()
}

func (b binding) exclusion(source string) string {
	return fmt.Sprintf("event of source %s, registered for %s", source, b.source)
}

func (b binding) refusal(p *Event) string {
	return fmt.Sprintf("paid %s, registered %s", money(p.Amount, p.Currency), money(b.amount, b.currency))
}

func money(a Amount, currency string) string {
	if a == "" {
		return "no amount"
	}
	if currency == "" {
		return string(a)
	}
	return string(a) + " " + currency
}
