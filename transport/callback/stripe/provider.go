// Package stripe takes Stripe's webhook events about payments: those of payment intents, checkout sessions, charges
// and refunds. One payment causes several of them; which ones arrive is set at Stripe, for the endpoint.
//
// Sources: docs.stripe.com/webhooks and docs.stripe.com/api/events/types; stripe/stripe-go, webhook/client.go.
package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Options are one endpoint's settings.
type Options struct {
	// Secrets are the endpoint's signing secrets, whsec_…, the old one too while it is rolled. At least one is needed;
	// every one is tried.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// Account are the connected accounts (acct_…) whose events are accepted beside the endpoint's own. One secret covers
	// all of a platform's accounts, and each could name any order in its metadata.
	Account callback.List `yaml:"account,omitempty"`
	// Tolerance is how old a signature may be; exactly as old passes. Zero is 300 s, as in the official libraries. Like
	// them this does not limit how far a signature may be in the future.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// Fields may set Payment, a gjson path from the root of the body, such as data.object.metadata.cart. By default it
	// is the first that is present of data.object's metadata.order_id, client_reference_id, payment_intent and id.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

const defaultTolerance = 300 * time.Second

// Provider verifies and reads the events of one endpoint.
type Provider struct {
	secrets   []*callback.Secret
	tolerance time.Duration
	payment   string // the path of the payment id, empty for the default
	accounts  callback.List
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	p := &Provider{payment: o.Fields.Payment, accounts: o.Account}
	if len(o.Secrets) == 0 {
		return nil, errors.New("stripe: set secrets to the endpoint's signing secret (whsec_…)")
	}
	for i, text := range o.Secrets {
		s, err := readSecret(text)
		if err != nil {
			return nil, fmt.Errorf("stripe: secrets: number %d %w", i+1, err)
		}
		p.secrets = append(p.secrets, s)
	}
	if err := o.Fields.PaymentOnly(); err != nil {
		return nil, fmt.Errorf("stripe: %w", err)
	}
	var err error
	if p.tolerance, err = callback.Window(o.Tolerance, defaultTolerance); err != nil {
		return nil, fmt.Errorf("stripe: %w", err)
	}
	return p, nil
}

// readSecret's error completes the sentence "number 2 must …" and does not repeat the secret.
func readSecret(text string) (*callback.Secret, error) {
	if len(text) <= len("whsec_") || !strings.HasPrefix(text, "whsec_") || strings.TrimSpace(text) != text {
		return nil, errors.New("must start with whsec_ and have no white space around it")
	}
	return callback.NewSecret([]byte(text)), nil
}

// Parse verifies r and returns its event, or none where r is not about a payment's status.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	if refusal := p.verify(r, now); refusal != nil {
		return nil, refusal
	}
	e, ok, refusal := read(r.Body, p.payment, p.accounts)
	if refusal != nil {
		return nil, refusal
	}
	if !ok {
		return nil, nil
	}
	return []callback.Event{e}, nil
}

// Answer acknowledges with 200, and refuses with problem+json.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK, ContentType: "application/json", Body: `{"received":true}`}
}
