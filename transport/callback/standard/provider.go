// Package standard takes callbacks by the Standard Webhooks specification: what a merchant's own back office, or a
// provider that follows the specification, posts. The specification fixes the signature and no event names, so that
// the settings say which field is what.
//
// Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
package standard

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/format"
)

// Options are one sender's settings. At least one secret or public key is needed; every one is tried, so that a
// rotation needs no gap.
type Options struct {
	// Secrets are the HMAC secrets, base64 of 24 to 64 bytes after an optional "whsec_".
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// PublicKeys are the Ed25519 keys, base64 of 32 bytes after "whpk_".
	PublicKeys []string `yaml:"public_keys,omitempty" file:"public"`
	// Tolerance is how far the timestamp may be from this clock, either way; exactly as far passes. Zero is 300 s.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// Options say which field is what.
	format.Options `yaml:",inline"`
}

// defaultTolerance is that of the official libraries.
const defaultTolerance = 300 * time.Second

// Provider verifies and reads the callbacks of one sender.
type Provider struct {
	keys      keys
	tolerance time.Duration
	format    *format.Format
}

var _ callback.Weighed = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	k, err := readKeys(o)
	if err != nil {
		return nil, fmt.Errorf("standard: %w", err)
	}
	f, err := format.New(o.Options)
	if err != nil {
		return nil, fmt.Errorf("standard: %w", err)
	}
	tolerance, err := callback.Window(o.Tolerance, defaultTolerance)
	if err != nil {
		return nil, fmt.Errorf("standard: %w", err)
	}
	return &Provider{keys: k, format: f, tolerance: tolerance}, nil
}

// Asymmetric reports whether there are public keys. A check with secrets alone costs a microsecond, and is not to be limited.
func (p *Provider) Asymmetric() bool { return len(p.keys.public) > 0 }

// Parse verifies r and returns its event, or none where r is not about a payment's status.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	id, refusal := p.verify(r, now)
	if refusal != nil {
		return nil, refusal
	}
	e, refusal := p.format.Read(r.Body)
	if refusal != nil {
		return nil, refusal
	}
	if e.Status == "" {
		return nil, nil
	}
	// The id is the event's and stays the same over retries; the timestamp is the attempt's.
	e.ID = id
	return []callback.Event{e}, nil
}

// verify returns the event's id once the signature and then the time have held.
func (p *Provider) verify(r callback.Request, now time.Time) (id string, _ *callback.Refusal) {
	names := namesIn(r.Header)
	id, refusal := callback.Header(r.Header, names.id)
	if refusal != nil {
		return "", refusal
	}
	stamp, refusal := callback.Header(r.Header, names.timestamp)
	if refusal != nil {
		return "", refusal
	}
	signatures, refusal := callback.Header(r.Header, names.signature)
	if refusal != nil {
		return "", refusal
	}
	signed, refusal := callback.Timestamp(stamp)
	if refusal != nil {
		return "", refusal
	}
	if refusal := p.keys.verify(message{id, stamp, r.Body}, signatures); refusal != nil {
		return "", refusal
	}
	switch age := now.Sub(signed); {
	case age > p.tolerance:
		return "", callback.Refuse(callback.StaleTimestamp, callback.Age(now, signed))
	case age < -p.tolerance:
		return "", callback.Refuse(callback.FutureTimestamp, callback.Age(now, signed))
	}
	if relay.CheckPayment(id) != nil { // an event's id follows the rule of a payment's
		return "", callback.Reject(names.id + " is not 1 to 128 bytes of UTF-8 without control characters")
	}
	return id, nil
}

// names are the headers that a signature needs.
type names struct{ id, timestamp, signature string }

// The two families of them. Svix, where the specification comes from, sends its own.
var (
	webhook = names{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}
	svix    = names{"Svix-Id", "Svix-Timestamp", "Svix-Signature"}
)

// namesIn returns the family that the sender uses: svix if there is something of it and nothing of webhook.
func namesIn(h http.Header) names {
	if !webhook.in(h) && svix.in(h) {
		return svix
	}
	return webhook
}

// in reports whether h has any of the names.
func (n names) in(h http.Header) bool {
	return len(h[n.id]) > 0 || len(h[n.timestamp]) > 0 || len(h[n.signature]) > 0
}

// Answer acknowledges with 200, and refuses with problem+json. It never answers 410, which asks the sender to switch
// the endpoint off.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK, ContentType: "application/json", Body: "{}"}
}
