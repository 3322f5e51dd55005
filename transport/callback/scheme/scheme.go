package scheme

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Options is a source's settings as an adapter declares them, with the tags of callback/options.go.
type Options interface {
	// Settings returns what they come down to.
	Settings() Settings
}

// Checker is an Options with rules of its own. The error names the setting to change.
type Checker interface{ Check() error }

// Scheme declares a provider.
type Scheme[O Options] struct {
	About   callback.About
	Proof   Proof
	Reading Reading
	// Kinds are what callbacks may be about; a callback that is none of them is acknowledged and not told.
	Kinds []Kind
	// Acknowledgement is the provider's success answer. The zero value is 200 without a body.
	Acknowledgement callback.Answer
	// Fresh returns options with fresh keys, for `tillbell dev`.
	Fresh func() O
}

// Provider verifies and reads the callbacks of one source.
type Provider struct {
	name     string
	proof    proof
	format   *format
	accepted callback.Answer
	repeats  *Repeats // nil if the event's id is proven
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func (s *Scheme[O]) New(o O) (*Provider, error) {
	if own, ok := any(o).(Checker); ok {
		if err := own.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.About.Name, err)
		}
	}
	proof, format, err := s.build(o.Settings())
	if err != nil {
		return nil, err
	}
	accepted := s.Acknowledgement
	if accepted.Status == 0 {
		accepted.Status = http.StatusOK
	}
	p := &Provider{name: s.About.Name, proof: proof, format: format, accepted: accepted}
	if s.Reading.ID.inHeader() {
		p.repeats = NewRepeats()
	}
	return p, nil
}

func (s *Scheme[O]) build(set Settings) (proof, *format, error) {
	proof, err := s.Proof.proof(set)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.About.Name, err)
	}
	if err := set.Fields.PaymentOnly(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.About.Name, err)
	}
	return proof, &format{Reading: s.Reading, kinds: s.Kinds, payment: set.Fields.Payment, account: set.Account}, nil
}

// Throwaway returns options with fresh keys, which suffice to sign.
func (s *Scheme[O]) Throwaway() (O, string, error) { return s.Fresh(), "", nil }

// Parse verifies r and returns its event, or none where r is not about a payment's status.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	if refusal := p.proof.Verify(r, now); refusal != nil {
		return nil, refusal
	}
	e, ok, refusal := p.format.read(r)
	if refusal != nil {
		return nil, refusal
	}
	if !ok {
		return nil, nil
	}
	if p.repeats != nil {
		e.ID = p.repeats.First(r.Body, e.ID)
	}
	return []callback.Event{e}, nil
}

// Answer acknowledges as the provider wants it, and refuses with problem+json.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return p.accepted
}
