// Package adyen takes Adyen's webhooks. Those about payments (style payments, which Adyen calls standard webhooks) have
// one signature for each item, in the item itself. Those of platforms and of the management API (style platform) have one
// over the whole body; they are verified and tell nothing of a payment.
//
// An item's signature covers eight of its fields and nothing else: not additionalData, reason or paymentMethod, and not
// eventDate. None of these reaches an event, so events have no time, and what only additionalData could tell (whether a
// CANCEL_OR_REFUND was the one or the other) is not told. The eight are joined by colons that nothing escapes: see
// item.shifted.
//
// Sources: docs.adyen.com/development-resources/webhooks, its pages on HMAC signatures, event codes and the retry queue;
// docs.adyen.com/development-resources/currency-codes; Adyen/adyen-node-api-library, src/utils/hmacValidator.ts, and
// Adyen/adyen-python-api-library issue 117 on colons.
package adyen

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// The styles, and the ways to capture.
const (
	stylePayments = "payments"
	stylePlatform = "platform"
	captureAuto   = "auto"
	captureManual = "manual"
)

// Options are one webhook's settings.
type Options struct {
	// Style is payments, the default, or platform.
	Style string `yaml:"style,omitempty"`
	// HMACKeys are the webhook's HMAC keys, in hex as the Customer Area shows them. At least one is needed and every one
	// is tried: what Adyen has queued before a key is replaced stays signed with the old one.
	HMACKeys []string `yaml:"hmac_keys,omitempty" file:"secret"`
	// MerchantAccount are the merchant accounts whose payments are accepted, if it is set. A webhook of a company account
	// is sent those of all its merchant accounts. Platform webhooks name none.
	MerchantAccount callback.List `yaml:"merchant_account,omitempty" account:"true"`
	// Capture is auto, the default, where an authorised payment is paid, or manual, where it is pending until it is
	// captured. It must be what the merchant account has, and is for the style payments alone.
	Capture string `yaml:"capture,omitempty"`
	// Username and Password are those of the webhook's basic authentication. If they are set, calls must have them.
	Username string `yaml:"username,omitempty"`
	Password string `yaml:"password,omitempty" file:"secret"`
	// Fields.Payment can only be merchantReference, which is the default: Adyen signs no other id of the merchant's.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

const signedReference = "merchantReference"

// Provider verifies and reads the calls of one webhook. It may be used from many goroutines.
type Provider struct {
	keys     []*callback.Secret
	platform bool
	accounts callback.List
	manual   bool
	login    *login // nil for none
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("adyen: %w", err)
	}
	p := &Provider{platform: o.Style == stylePlatform, accounts: o.MerchantAccount, manual: o.Capture == captureManual}
	for i, text := range o.HMACKeys {
		key, err := readKey(text)
		if err != nil {
			return nil, fmt.Errorf("adyen: hmac_keys: number %d %w", i+1, err)
		}
		p.keys = append(p.keys, key)
	}
	if o.Username != "" {
		p.login = newLogin(o.Username, o.Password)
	}
	return p, nil
}

// check tells what is wrong with all but the keys themselves.
func (o Options) check() error {
	style, capture := cmp.Or(o.Style, stylePayments), cmp.Or(o.Capture, captureAuto)
	switch {
	case style != stylePayments && style != stylePlatform:
		return fmt.Errorf("style: %q is neither payments nor platform", o.Style)
	case len(o.HMACKeys) == 0:
		return errors.New("set hmac_keys to the webhook's HMAC key, 64 hex digits")
	case capture != captureAuto && capture != captureManual:
		return fmt.Errorf("capture: %q is neither auto nor manual", o.Capture)
	case style == stylePlatform && (o.Capture != "" || len(o.MerchantAccount) != 0 || o.Fields != callback.Fields{}):
		return errors.New("style: platform webhooks tell of no payment; leave out capture, merchant_account and fields")
	case (o.Username == "") != (o.Password == ""):
		return errors.New("set username and password both, or none of them")
	case cmp.Or(o.Fields.Payment, signedReference) != signedReference:
		return errors.New("fields: payment can only be merchantReference: Adyen's signature covers no other id of the merchant's")
	}
	return o.Fields.PaymentOnly()
}

// minKey is the length in bytes of the shortest key that is taken. Adyen makes keys of 32.
const minKey = 16

// readKey's error completes the sentence "number 2 must …" and does not repeat the key.
func readKey(text string) (*callback.Secret, error) {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) < minKey {
		return nil, errors.New("must be hex without white space around it, of 64 digits as Adyen makes it")
	}
	return callback.NewSecret(key), nil
}

// Parse verifies r and returns what its items say about payments. Nothing is returned unless all items are genuine.
func (p *Provider) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "")
	}
	if refusal := p.login.check(r.Header); refusal != nil {
		return nil, refusal
	}
	if p.platform {
		if refusal := p.verifyBody(r); refusal != nil {
			return nil, refusal
		}
		return nil, nil
	}
	items, refusal := p.verifyItems(r.Body)
	if refusal != nil {
		return nil, refusal
	}
	events, refusal := p.read(items)
	if refusal != nil {
		return nil, refusal
	}
	return events, nil
}

// Answer acknowledges with the text that older set-ups of Adyen wait for and others do not read.
func (p *Provider) Answer(err error) callback.Answer {
	if err != nil {
		return callback.ProblemAnswer(err)
	}
	return callback.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: "[accepted]"}
}
