// Package mercadopago takes Mercado Pago's webhooks. What they sign is an id in the query and a request id: not the body,
// and no status. So the payment with the signed id is fetched.
//
// Sources: mercadopago.com/developers, Notifications, Webhooks; …/reference/payments/_payments_id/get; mercadopago/sdk-go,
// pkg/webhook, with pull request 126, and the npm package mercadopago 3.6.1 on the case of the id; …/sdk-java issue 420.
package mercadopago

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

// Options are one application's settings.
type Options struct {
	// Secrets are the application's secret signatures. At least one is needed; every one is tried.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// Tolerance is how far the signature's time may be from this clock, either way; exactly as far passes. Zero is any, as in
	// the official libraries: a repeated call does no more than have a payment fetched again.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// APIKey is the application's access token, APP_USR-…. Fetching needs it.
	APIKey string `yaml:"api_key,omitempty" file:"secret"`
	// APIBase is the API's address without a version. The default is https://api.mercadopago.com.
	APIBase string `yaml:"api_base,omitempty"`
	// CollectorID are the sellers whose payments are told. Empty is every one whose payments the access token can read.
	CollectorID callback.List `yaml:"collector_id,omitempty" account:"true"`
	// Fields may set Payment, a gjson path from the root of the payment at Mercado Pago. By default it is external_reference,
	// else the payment's id there.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

const defaultBase = "https://api.mercadopago.com"

// Provider verifies one application's webhooks and fetches what they are about.
type Provider struct {
	secrets    []*callback.Secret
	tolerance  time.Duration // zero: any
	api        *fetch.Client
	collectors callback.List
	payment    string // the path of the payment id, empty for the default
}

var _ callback.Fetcher = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	p, err := build(o)
	if err != nil {
		return nil, fmt.Errorf("mercadopago: %w", err)
	}
	return p, nil
}

func build(o Options) (*Provider, error) {
	p := &Provider{collectors: o.CollectorID, payment: o.Fields.Payment}
	if len(o.Secrets) == 0 {
		return nil, errors.New("set secrets to the application's secret signature; list the old one too while it is replaced")
	}
	if err := callback.CheckSecrets("secrets", o.Secrets); err != nil {
		return nil, err
	}
	for _, secret := range o.Secrets {
		p.secrets = append(p.secrets, callback.NewSecret([]byte(secret)))
	}
	if slices.Contains(o.CollectorID, "") {
		return nil, errors.New("collector_id: is empty")
	}
	if err := o.Fields.PaymentOnly(); err != nil {
		return nil, err
	}
	var err error
	if p.tolerance, err = callback.Window(o.Tolerance, 0); err != nil {
		return nil, err
	}
	p.api, err = fetch.New(cmp.Or(o.APIBase, defaultBase), o.APIKey)
	return p, err
}

// Parse verifies r and returns what has to be fetched, or nothing where r is not about a payment.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	id, refusal := p.verify(r, now)
	if refusal != nil {
		return nil, refusal
	}
	e, ok, refusal := read(r.Body, id)
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
	return callback.Answer{Status: http.StatusOK}
}
