// Package stripe takes Stripe's webhook events about payments: those of payment intents, checkout sessions, charges
// and refunds. One payment causes several of them; which ones arrive is set at Stripe, for the endpoint.
//
// Sources: docs.stripe.com/webhooks and docs.stripe.com/api/events/types; stripe/stripe-go, webhook/client.go.
package stripe

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
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

// Provider verifies and reads the events of one endpoint.
type Provider struct {
	verifier *scheme.Verifier
	payment  string // the path of the payment id, empty for the default
	accounts callback.List
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	v, err := verifier(o)
	if err != nil {
		return nil, fmt.Errorf("stripe: %w", err)
	}
	if err := o.Fields.PaymentOnly(); err != nil {
		return nil, fmt.Errorf("stripe: %w", err)
	}
	return &Provider{verifier: v, payment: o.Fields.Payment, accounts: o.Account}, nil
}

// Parse verifies r and returns its event, or none where r is not about a payment's status.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	if refusal := p.verifier.Verify(r, now); refusal != nil {
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
