// Package wechatpay takes the callbacks of WeChat Pay APIv3 (微信支付).
//
// A callback is signed with RSA over three lines, timestamp, nonce and body, and its content is sealed with the
// merchant's APIv3 key. The signature alone proves the sender: whoever knows the APIv3 key can seal. Which key signed
// is said by the header Wechatpay-Serial, for each callback anew: while a merchant moves from platform certificates to
// the WeChat Pay public key, WeChat Pay signs a growing share with the latter.
//
// Rules: https://pay.weixin.qq.com/docs/merchant/products/notification/introduction.html and the official
// github.com/wechatpay-apiv3/wechatpay-go, which the tests hold this package against.
package wechatpay

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// defaultTolerance is the window of the official SDK: a callback whose timestamp is this far from the clock, behind or
// ahead, is out already.
const defaultTolerance = 300 * time.Second

// Options are the settings of one merchant account. APIv3Key and at least one of PublicKeys and Certificates are
// required; both modes may be configured at once.
type Options struct {
	// MchID and AppID are compared with what a callback names, if they are set. In partner mode it names a service
	// provider (sp_mchid, sp_appid) and a sub-merchant (sub_mchid, sub_appid), and the account may be either; of a
	// combined payment it may be the initiator (combine_mchid, combine_appid) or the merchant of each order.
	MchID callback.List `yaml:"mchid,omitempty" account:"true"`
	AppID callback.List `yaml:"appid,omitempty" account:"true"`
	// APIv3Key opens the callbacks' content. WeChat Pay's console has keys of 32 bytes. Those of 16 and 24 are taken
	// too, as by the official SDK, whose published sample callback is sealed with one of 16.
	APIv3Key string `yaml:"api_v3_key,omitempty" file:"secret"`
	// PublicKeys are WeChat Pay's public keys as PEM by their ids (PUB_KEY_ID_…), from the merchant console.
	PublicKeys map[string]string `yaml:"public_keys,omitempty" file:"public"`
	// Certificates are WeChat Pay's platform certificates as PEM, from GET /v3/certificates. Several may be valid at
	// once. One counts during its validity alone; an expired one may stay in the list.
	Certificates callback.List `yaml:"certificates,omitempty" file:"public"`
	// Tolerance is how far a callback's timestamp must be from the clock to be refused, behind or ahead; zero means
	// 300 s, as in the official SDK.
	Tolerance time.Duration `yaml:"tolerance,omitempty"`
	// Fields.Payment is the payment id's path within the opened resource, and of a combined payment within each of
	// its sub_orders; the default is out_trade_no. The other fields are fixed and must be empty.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// New checks the settings. An error names the one to change.
func New(o Options) (*Provider, error) {
	p, err := o.provider()
	if err != nil {
		return nil, fmt.Errorf("wechatpay: %w", err)
	}
	return p, nil
}

func (o Options) provider() (*Provider, error) {
	aead, err := o.aead()
	if err != nil {
		return nil, err
	}
	keys, err := o.keyring()
	if err != nil {
		return nil, err
	}
	tolerance, err := callback.Window(o.Tolerance, defaultTolerance)
	if err != nil {
		return nil, err
	}
	if err := o.Fields.PaymentOnly(); err != nil {
		return nil, err
	}
	return &Provider{
		mchid:     o.MchID,
		appid:     o.AppID,
		keys:      keys,
		aead:      aead,
		tolerance: tolerance,
		payment:   cmp.Or(o.Fields.Payment, "out_trade_no"),
	}, nil
}

func (o Options) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher([]byte(o.APIv3Key)) // of 16, 24 or 32 bytes
	if err != nil {
		return nil, fmt.Errorf("api_v3_key: must have 32 bytes (or 16 or 24), has %d", len(o.APIv3Key))
	}
	return cipher.NewGCM(block)
}

// Provider verifies and translates the callbacks of one merchant account. It may be used from many goroutines.
type Provider struct {
	mchid, appid callback.List
	keys         keyring
	aead         cipher.AEAD
	tolerance    time.Duration
	payment      string // gjson path
}

// Parse verifies r at the time now and returns the payments, failures and refunds that it tells: one event, or one for
// each order of a combined payment, which then share their ID.
func (p *Provider) Parse(r callback.Request, now time.Time) ([]callback.Event, error) {
	if r.Method != http.MethodPost {
		return nil, callback.Refuse(callback.MethodNotAllowed, "WeChat Pay posts its callbacks")
	}
	if refusal := p.authenticate(r, now); refusal != nil {
		return nil, refusal
	}
	events, refusal := p.read(r.Body)
	if refusal != nil {
		return nil, refusal
	}
	return events, nil
}

// Answer returns what WeChat Pay wants to hear: 200 without a body, or a failure in JSON, after which it calls again up
// to 15 times within 24 h 4 min. A failure does not tell its reason; a signature probe gets the same as a forgery.
func (p *Provider) Answer(err error) callback.Answer {
	if err == nil {
		return callback.Answer{Status: http.StatusOK}
	}
	a := callback.Answer{
		Status:      callback.FailureStatus(err),
		ContentType: "application/json",
		Body:        `{"code":"FAIL","message":"not accepted"}`,
	}
	if a.Status == http.StatusServiceUnavailable {
		a.Body = `{"code":"FAIL","message":"try again later"}`
	}
	return a
}
