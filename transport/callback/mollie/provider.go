// Package mollie takes Mollie's webhooks. Neither kind says what became of a payment, so that the payment is fetched:
//
//	classic   a form with the payment's id and no signature, to the webhookUrl of the payment. Anybody can post it.
//	next-gen  a signed JSON event, to an endpoint that subscribed to its type. It may have a snapshot of the payment, but
//	          the order of events is not promised, and what the API says is newer.
//
// Sources: docs.mollie.com/reference/webhooks, …/webhooks-new, …/payments-api-webhooks, …/refunds-api-webhooks, …/get-payment,
// …/get-payment-link-payments, docs.mollie.com/docs/status-change; mollie/mollie-api-php, src/Webhooks/SignatureValidator.php.
package mollie

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fetch"
)

// Options are the settings of one profile, or of one subscription of its events.
type Options struct {
	// Style is "classic", which is the default, or "next-gen". A source takes one of them alone: otherwise leaving out the
	// signature would be enough.
	Style string `yaml:"style,omitempty"`
	// Secrets are the signing secrets of next-gen webhooks. Every one is tried.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// APIKey is the profile's, live_… or test_…. Fetching needs it.
	APIKey string `yaml:"api_key,omitempty" file:"secret"`
	// APIBase is the API's address without a version. The default is https://api.mollie.com.
	APIBase string `yaml:"api_base,omitempty"`
	// ProfileID are the profiles (pfl_…) whose payments are told. Empty is every one that the key can read.
	ProfileID callback.List `yaml:"profile_id,omitempty" account:"true"`
	// Fields may set Payment, a gjson path from the root of the payment at Mollie. By default it is metadata.order_id, else the
	// payment's id or, of what was paid by a payment link, the link's.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

const (
	classic = "classic"
	nextGen = "next-gen"

	defaultBase = "https://api.mollie.com"
)

// Provider verifies one account's webhooks and fetches what they are about.
type Provider struct {
	secrets  []*callback.Secret // none: classic
	api      *fetch.Client
	profiles callback.List
	payment  string // the path of the payment id, empty for the default
}

var _ callback.Fetcher = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	p, err := build(o)
	if err != nil {
		return nil, fmt.Errorf("mollie: %w", err)
	}
	return p, nil
}

func build(o Options) (*Provider, error) {
	style := cmp.Or(o.Style, classic)
	switch {
	case style != classic && style != nextGen:
		return nil, fmt.Errorf("style: %q is neither classic nor next-gen", o.Style)
	case style == classic && len(o.Secrets) > 0:
		return nil, errors.New("secrets: classic webhooks are not signed; leave them out, or set style to next-gen")
	case style == nextGen && len(o.Secrets) == 0:
		return nil, errors.New("set secrets to the webhook's signing secret; list the old one too while it is replaced")
	}
	p := &Provider{profiles: o.ProfileID, payment: o.Fields.Payment}
	if err := callback.CheckSecrets("secrets", o.Secrets); err != nil {
		return nil, err
	}
	for _, secret := range o.Secrets {
		p.secrets = append(p.secrets, callback.NewSecret([]byte(secret)))
	}
	if slices.Contains(o.ProfileID, "") {
		return nil, errors.New("profile_id: is empty")
	}
	if err := o.Fields.PaymentOnly(); err != nil {
		return nil, err
	}
	var err error
	p.api, err = fetch.New(cmp.Or(o.APIBase, defaultBase), o.APIKey)
	return p, err
}

// Parse verifies r and returns what has to be fetched, or nothing where r is not about a payment.
func (p *Provider) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	read := readForm
	if p.secrets != nil {
		if refusal := p.verify(r); refusal != nil {
			return nil, refusal
		}
		read = readEvent
	}
	e, ok, refusal := read(r.Body)
	if refusal != nil {
		return nil, refusal
	}
	if !ok {
		return nil, nil
	}
	return []callback.Event{e}, nil
}

// Answer acknowledges with 200, and refuses with problem+json. An id that Mollie does not know is acknowledged as well, as
// Mollie asks for: a stranger does not learn which exist.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK}
}
