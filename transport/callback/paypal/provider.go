// Package paypal takes PayPal's webhook events about payments: captures and authorisations of the Payments API v2, orders,
// and the sales of its first version.
//
// PayPal signs with RSA, and names in a header where its certificate is to be fetched. So a call of a stranger can make
// the receiver send a request: which ones, how many and how large is bounded in download.go, and a certificate counts only
// if it leads to a trusted root and is made out to PayPal's signing host. A list of pinned certificates makes it send none.
//
// The signature covers no more than a CRC-32 of the body, and for any CRC-32 everybody can write another body. Whoever
// sees one signed call, in a log for instance, has headers that fit any event of his own. Against that a Provider
// remembers which body each signed call came with (replays, in signature.go) and refuses another. It forgets when the
// process ends, when its settings change, and beyond replayed calls the oldest. What is left then is the age
// limit and the relay's comparison with the registered amount.
//
// Sources: developer.paypal.com/api/rest/webhooks/rest, developer.paypal.com/docs/api-basics/notifications/webhooks and
// paypal/PayPal-Python-SDK, paypalrestsdk/notifications.py, which judged the vectors.
package paypal

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Options are one webhook's settings.
type Options struct {
	// WebhookID is the id that PayPal gave the webhook, as the console shows it. It is part of what is signed. Several, up to
	// 8, are those of webhooks with the same URL. At least one is needed.
	WebhookID callback.List `yaml:"webhook_id,omitempty" account:"true"`
	// CertHosts are the hosts that a certificate may come from, under paypal.com. The default is api.paypal.com alone; for
	// the sandbox it is to be api.sandbox.paypal.com.
	CertHosts callback.List `yaml:"cert_hosts,omitempty"`
	// Certificates are PEM chains by the URL that calls name, the signing certificate first. If there are any, nothing is
	// downloaded, and another URL is refused.
	Certificates map[string]string `yaml:"certificates,omitempty" file:"public"`
	// TrustedRoots are the PEM certificates that a chain must lead to. The default is the system's.
	TrustedRoots string `yaml:"trusted_roots,omitempty" file:"public"`
	// Tolerance is how old a transmission may be; exactly as old passes. Zero is 96h: PayPal
	// retries for three days, and its own lists show a transmission's first time after days of retries, so that less than
	// 72h may refuse the later ones. Its libraries set no limit, with which a call that was seen once is good for forgeries
	// for ever.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// Fields may set Payment, a gjson path from the root of the body, such as resource.invoice_id. By default it is the
	// first that is present of the resource's custom_id, invoice_id, the order's id and its own id; of an order the first
	// purchase unit's come before these.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// defaultTolerance is a day longer than PayPal retries.
const defaultTolerance = 96 * time.Hour

// maxWebhooks bounds the signatures that one call makes the Provider check.
const maxWebhooks = 8

// Provider verifies and reads the events of one webhook. It may be used from many goroutines.
type Provider struct {
	webhooks  []string
	hosts     []string
	pinned    map[string]*chain // nil: certificates are downloaded
	downloads *downloads
	replays   *replays
	tolerance time.Duration
	payment   string // the path of the payment id, empty for the default
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	p, err := o.provider()
	if err != nil {
		return nil, fmt.Errorf("paypal: %w", err)
	}
	return p, nil
}

func (o Options) provider() (*Provider, error) {
	p := &Provider{webhooks: o.WebhookID, hosts: o.CertHosts, payment: o.Fields.Payment}
	if err := checkWebhooks(o.WebhookID); err != nil {
		return nil, fmt.Errorf("webhook_id: %w", err)
	}
	if len(p.hosts) == 0 {
		p.hosts = []string{"api.paypal.com"}
	}
	for _, host := range p.hosts {
		if !isHost(host) {
			return nil, fmt.Errorf("cert_hosts: %q is no host under paypal.com; PayPal's are api.paypal.com and "+
				"api.sandbox.paypal.com", host)
		}
	}
	var err error
	if p.tolerance, err = callback.Window(o.Tolerance, defaultTolerance); err != nil {
		return nil, err
	}
	if err := o.Fields.PaymentOnly(); err != nil {
		return nil, err
	}
	roots, err := readRoots(o.TrustedRoots)
	if err != nil {
		return nil, fmt.Errorf("trusted_roots: %w", err)
	}
	if p.pinned, err = readPinned(o.Certificates, roots); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	p.downloads = newDownloads(roots)
	p.replays = newReplays(p.tolerance)
	return p, nil
}

// checkWebhooks refuses what cannot be the id of a webhook. With the simulator's placeholder anybody could have PayPal sign
// calls for this source.
func checkWebhooks(ids []string) error {
	if len(ids) == 0 || len(ids) > maxWebhooks {
		return fmt.Errorf("set 1 to %d ids of webhooks, as PayPal's console shows them, not %d", maxWebhooks, len(ids))
	}
	for i, id := range ids {
		switch {
		case id == "WEBHOOK_ID":
			return errors.New("WEBHOOK_ID is what PayPal's simulator signs for; take the id of your webhook")
		case id == "" || len(id) > 50 || strings.Trim(id, letters+digits) != "":
			return fmt.Errorf("number %d must be up to 50 letters and digits", i+1)
		}
	}
	return nil
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// isHost reports whether a configured host is one of PayPal's, in the one spelling that a URL is compared with.
func isHost(host string) bool {
	return strings.HasSuffix(host, ".paypal.com") && len(host) <= 253 && !strings.HasPrefix(host, ".") &&
		!strings.Contains(host, "..") && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz"+digits+".-") == ""
}

func readRoots(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil // the system's
	}
	all, err := parseCertificates(pem)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	for _, c := range all {
		roots.AddCert(c)
	}
	return roots, nil
}

func readPinned(byURL map[string]string, roots *x509.CertPool) (map[string]*chain, error) {
	if len(byURL) == 0 {
		return nil, nil
	}
	pinned := make(map[string]*chain, len(byURL))
	for url, pem := range byURL {
		c, err := newChain(pem, roots)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", url, err)
		}
		pinned[url] = c
	}
	return pinned, nil
}

// Parse verifies r and returns its event, or none where r is not about a payment's status. An error that is no
// *callback.Refusal says that the certificate could not be fetched: PayPal should come again.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "PayPal posts its callbacks")
	}
	if err := p.verify(r, now); err != nil {
		return nil, err
	}
	e, ok, refusal := read(r.Body, p.payment)
	if refusal != nil {
		return nil, refusal
	}
	if !ok {
		return nil, nil
	}
	return []callback.Event{e}, nil
}

// Answer acknowledges with 200, and refuses with problem+json. PayPal posts again, up to 25 times in three days, after
// anything but a 2xx.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK, ContentType: "application/json", Body: "{}"}
}
