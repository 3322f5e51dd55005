package callback

import (
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"
)

// Adapters take their settings as an Options struct with yaml tags, which is the source's section of the
// configuration file less `provider` and `registration`. Another tag says how the configuration treats a value:
//
//	file:"secret"  may be file:PATH, and is never printed
//	file:"public"  may be file:PATH, and may be printed: public keys and certificates
//
// and a third says what it names, so that package fault can make a callback for another account:
//
//	account:"true"  the accounts that a callback may be for, a List

// List is a list of texts that may be written as one text where it has one.
type List []string

// UnmarshalYAML accepts a scalar or a sequence of scalars.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = List{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// Allows reports whether got may be what the account is: l is empty (not configured), got is empty (the callback does
// not have it), or l contains got.
func (l List) Allows(got string) bool {
	if len(l) == 0 || got == "" {
		return true
	}
	for _, want := range l {
		if want == got {
			return true
		}
	}
	return false
}

// First returns the first of l, or otherwise if there is none.
func (l List) First(otherwise string) string {
	if len(l) == 0 {
		return otherwise
	}
	return l[0]
}

// Fields says where a body has what an event needs. Each adapter documents what its paths are relative to and which
// of them it uses; empty means the adapter's default.
type Fields struct {
	Payment  string `yaml:"payment,omitempty"`
	Status   string `yaml:"status,omitempty"`
	Amount   string `yaml:"amount,omitempty"`
	Currency string `yaml:"currency,omitempty"`
	// Time is when it happened, Transaction the sender's own id of the payment.
	Time        string `yaml:"time,omitempty"`
	Transaction string `yaml:"transaction,omitempty"`
}

// PaymentOnly reports a field that is set beside Payment, for adapters whose provider fixes the others.
func (f Fields) PaymentOnly() error {
	if f != (Fields{Payment: f.Payment}) {
		return errors.New("fields: only payment can be set, as in fields.payment; the provider fixes the others")
	}
	return nil
}

// Window returns the tolerance of timestamps: the configured one, or the provider's if it is zero.
func Window(configured, usual time.Duration) (time.Duration, error) {
	switch {
	case configured < 0:
		return 0, fmt.Errorf("tolerance: %s is negative", configured)
	case configured == 0:
		return usual, nil
	default:
		return configured, nil
	}
}
