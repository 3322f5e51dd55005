// Package alipay verifies and translates Alipay's asynchronous notices: form posts whose parameters are signed with
// Alipay's RSA key (opendocs.alipay.com, "异步通知验签").
//
// What holds for every notice:
//
//   - Only the body counts. The query of the notify URL is not signed and is not read, and neither is Content-Type:
//     the signature says what the body is.
//   - sign_type and alipay_cert_sn come from the sender. They choose among the algorithms and certificates that are
//     configured and can add none. Nothing is ever fetched, so a forged notice cannot cause an outgoing call.
//   - There is no replay window: Alipay retries for a day with the notice's old times. Deduplication by notify_id, and
//     by what the events say, makes a replay harmless.
//   - The answer is exactly `success` for what is stored, and never for anything else.
//
// The second style of signature ("V2", which keeps sign_type in the signed text) belongs to products that are not
// payments and is not supported.
package alipay

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Options are the settings of one Alipay application. One of PublicKey and Certificates is required; both at once are
// good for changing from one mode to the other.
type Options struct {
	// AppID and SellerID are the accounts that a notice may be for. Empty allows every account whose notices the keys
	// verify. Alipay asks merchants to compare both.
	AppID    callback.List `yaml:"app_id,omitempty" account:"true"`
	SellerID callback.List `yaml:"seller_id,omitempty" account:"true"`
	// SignTypes are the algorithms that are accepted: RSA2 (SHA-256, needs keys of 2048 bits or more) and RSA (SHA-1,
	// 1024 bits or more). The first one is taken for a notice that names none. The default is RSA2 alone.
	SignTypes callback.List `yaml:"sign_types,omitempty"`
	// PublicKey is public-key mode: Alipay's key (not the application's own), as PEM or as the bare base64 that
	// Alipay's console shows. Several are valid at once.
	PublicKey callback.List `yaml:"public_key,omitempty" file:"public"`
	// Certificates is certificate mode: Alipay's public-key certificates as PEM. Of a file that holds a chain the
	// first certificate counts. They are trusted as they are, without regard to issuer and expiry.
	Certificates callback.List `yaml:"certificates,omitempty" file:"public"`
	// Fields.Payment is the parameter that has the payment id, out_trade_no by default. The other fields must be empty.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Provider verifies and translates the notices of one application. It may be used from many goroutines.
type Provider struct {
	appID, sellerID callback.List
	payment         string   // the parameter with the payment id
	reads           []string // every parameter that means anything here
	algorithms      []algorithm
	keys            keyring
}

// New checks the settings and returns the Provider. The error names the setting to change.
func New(o Options) (*Provider, error) {
	if slices.Contains(o.AppID, "") || slices.Contains(o.SellerID, "") {
		return nil, errors.New("alipay: app_id and seller_id: fill them in, or leave them out to allow every account")
	}
	p := &Provider{appID: o.AppID, sellerID: o.SellerID}
	var err error
	if p.payment, err = o.paymentField(); err != nil {
		return nil, err
	}
	p.reads = append([]string{p.payment, "app_id", "seller_id", "charset"}, fields...)
	if p.algorithms, err = o.algorithms(); err != nil {
		return nil, err
	}
	if p.keys, err = newKeyring(o.PublicKey, o.Certificates, minBits(p.algorithms)); err != nil {
		return nil, err
	}
	return p, nil
}

func (o Options) paymentField() (string, error) {
	if err := o.Fields.PaymentOnly(); err != nil {
		return "", fmt.Errorf("alipay: %w", err)
	}
	name := cmp.Or(o.Fields.Payment, "out_trade_no")
	if slices.Contains(unsigned, name) {
		return "", fmt.Errorf("alipay: fields.payment: %s is not signed; name another parameter", name)
	}
	return name, nil
}

// Parse implements callback.Provider. The time is not looked at, see the package comment.
func (p *Provider) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "a notice is a POST; a GET is the payer's browser on its way back")
	}
	f, refusal := parseForm(r.Body)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := p.verify(f); refusal != nil {
		return nil, refusal
	}
	if f.ambiguous(p.reads, p.payment) {
		return nil, callback.Reject("a value contains the name of another parameter, so the signed text can be read in two ways")
	}
	if !p.appID.Allows(f.get("app_id")) {
		return nil, callback.Refuse(callback.WrongAccount, "the notice is for another app_id than configured")
	}
	if !p.sellerID.Allows(f.get("seller_id")) {
		return nil, callback.Refuse(callback.WrongAccount, "the notice is for another seller_id than configured")
	}
	events, refusal := p.events(f)
	if refusal != nil {
		return nil, refusal
	}
	return events, nil
}

// Answer implements callback.Provider. Alipay takes exactly the seven bytes `success` as received, whatever the
// status code is, and sends everything else again.
func (p *Provider) Answer(err error) callback.Answer {
	if err == nil {
		return callback.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: "success"}
	}
	return callback.Answer{Status: callback.FailureStatus(err), ContentType: "text/plain", Body: "fail"}
}
