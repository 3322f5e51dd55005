// Package wechatpayv2 takes the notices of WeChat Pay API v2 (微信支付), flat XML that is signed with a key which both
// sides have.
//
// # Payments
//
// The signature is over all elements that are not empty, known or not, sorted and joined as name=value with & between
// them: MD5, or HMAC-SHA256 for orders that were placed with it. Nothing is escaped, so the same text can be parted
// otherwise where a value has an & in it; see ambiguous. HMAC-SHA256 is the better choice: with MD5 and the key behind the
// text, two texts that collide have the same signature, whatever the key is.
//
// # Refunds
//
// A refund's notice is not signed. It is as good as the encryption of its req_info, AES-256-ECB under the MD5 of the same
// key, without a MAC. Nobody makes one that opens without the key, but who has seen several could put one together from
// their blocks. What opens must therefore be well-formed and whole, all that does not is refused alike, and nothing
// outside of req_info is believed: the account is compared to notice a wrong source, and proves nothing. A refund that failed
// implies that there was a payment, so register the amounts of payments: then it never takes the place of the payment's
// own notice.
//
// # Sources
//
// pay.weixin.qq.com/wiki/doc/api, the chapters on signatures (4_3), payment notices (9_7) and refund notices (9_16);
// github.com/go-pay/gopay, wechat, which the tests hold this package against; binarywang/WxJava, issues 1407, 1585 and
// 1890, on sign_type in notices.
package wechatpayv2

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Options are the settings of one merchant account. APIv2Key is required.
type Options struct {
	// MchID and AppID are compared with what a notice names, if they are set. In partner mode it names a service provider
	// (mch_id, appid) and a sub-merchant (sub_mch_id, sub_appid), and the account may be either.
	MchID callback.List `yaml:"mchid,omitempty" account:"true"`
	AppID callback.List `yaml:"appid,omitempty" account:"true"`
	// APIv2Key is the API key of the merchant console (API密钥), 32 characters, and the one before it while notices that
	// were signed with it are under way. Every one is tried.
	APIv2Key callback.List `yaml:"api_v2_key,omitempty" file:"secret"`
	// SignType is how notices may be signed: MD5, the default as for orders that name none, or HMAC-SHA256, or both. A notice does
	// not choose: one signed otherwise is refused, whatever its sign_type says. Some merchants have reported a few MD5
	// notices of orders placed with HMAC-SHA256, which then have to be allowed.
	SignType callback.List `yaml:"sign_type,omitempty"`
	// Fields.Payment is the element with the payment id; the default is out_trade_no, and refunds have few others.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Provider verifies and translates the notices of one merchant account. It may be used from many goroutines.
type Provider struct {
	mchid, appid callback.List
	keys         []*key
	signTypes    callback.List
	payment      string   // the element of the payment id
	read         []string // the elements that are read of a signed notice
}

var _ callback.Provider = (*Provider)(nil)

// New checks o. The error names the setting to change.
func New(o Options) (*Provider, error) {
	p := &Provider{
		mchid:     o.MchID,
		appid:     o.AppID,
		signTypes: o.SignType,
		payment:   cmp.Or(o.Fields.Payment, outTradeNo),
	}
	if len(p.signTypes) == 0 {
		p.signTypes = callback.List{signMD5}
	}
	p.read = append(slices.Clone(signedFields), p.payment)
	if err := p.check(o); err != nil {
		return nil, fmt.Errorf("wechatpay-v2: %w", err)
	}
	for i, text := range o.APIv2Key {
		k, err := newKey(text)
		if err != nil {
			return nil, fmt.Errorf("wechatpay-v2: api_v2_key: number %d %w", i+1, err)
		}
		p.keys = append(p.keys, k)
	}
	return p, nil
}

func (p *Provider) check(o Options) error {
	if len(o.APIv2Key) == 0 {
		return errors.New("set api_v2_key to the API key of the merchant console, 32 characters")
	}
	for _, t := range p.signTypes {
		if t != signMD5 && t != signHMAC {
			return fmt.Errorf("sign_type: %q is neither MD5 nor HMAC-SHA256", t)
		}
	}
	if !elementName(p.payment) || p.payment == signElement || p.payment == sealedElement {
		return fmt.Errorf("fields: payment: %q is not an element that can be a payment id", p.payment)
	}
	return o.Fields.PaymentOnly()
}

// maxNotice bounds the work that a stranger can cause. The longest notices, with many coupons, have a few KiB.
const maxNotice = 64 << 10

// Parse verifies r and returns its one event, or none where it is not about a payment's status.
func (p *Provider) Parse(r callback.Request, _ time.Time) ([]callback.Event, error) {
	switch {
	case r.Method != http.MethodPost:
		return nil, callback.Refuse(callback.MethodNotAllowed, "WeChat Pay posts its notices")
	case len(r.Body) > maxNotice:
		return nil, callback.Refuse(callback.TooLarge, "no notice is longer than 64 KiB")
	}
	n, err := parse(r.Body)
	if err != nil {
		return nil, callback.Refuse(callback.Malformed, err.Error())
	}
	e, ok, refusal := p.event(n)
	if refusal != nil {
		return nil, refusal
	}
	if !ok {
		return nil, nil
	}
	return []callback.Event{e}, nil
}

// event proves where n comes from, compares the account, and translates. It is not ok if n does not tell a status.
func (p *Provider) event(n notice) (e callback.Event, ok bool, refusal *callback.Refusal) {
	translate := p.paymentEvent
	told := n
	if n[sealedElement] != "" {
		translate = p.refundEvent
		told, refusal = p.open(n[sealedElement])
	} else {
		refusal = p.verify(n)
	}
	if refusal == nil {
		refusal = p.account(n)
	}
	if refusal != nil {
		return e, false, refusal
	}
	return translate(told)
}

// account compares the merchants and apps that n names with the configured ones.
func (p *Provider) account(n notice) *callback.Refusal {
	if !ours(p.mchid, n["mch_id"], n["sub_mch_id"]) {
		return callback.Refuse(callback.WrongAccount, "the notice is about another merchant than mchid")
	}
	if !ours(p.appid, n["appid"], n["sub_appid"]) {
		return callback.Refuse(callback.WrongAccount, "the notice is about another app than appid")
	}
	return nil
}

// ours reports whether the account, or the sub-merchant's, is configured, or neither is there, or nothing is configured.
func ours(configured callback.List, account, sub string) bool {
	if account == "" || sub == "" {
		return configured.Allows(account + sub)
	}
	return configured.Allows(account) || configured.Allows(sub)
}

// Answer returns what WeChat Pay wants to hear: its XML, also for a failure, after which it calls again up to 15 times
// within 24 h 4 min. A failure does not tell its reason.
func (p *Provider) Answer(err error) callback.Answer {
	a := callback.Answer{Status: http.StatusOK, ContentType: "text/xml", Body: answer("SUCCESS", "OK")}
	if err != nil {
		a.Status, a.Body = callback.FailureStatus(err), answer("FAIL", "not accepted")
	}
	if a.Status == http.StatusServiceUnavailable {
		a.Body = answer("FAIL", "try again later")
	}
	return a
}

func answer(code, message string) string {
	return "<xml><return_code><![CDATA[" + code + "]]></return_code><return_msg><![CDATA[" + message + "]]></return_msg></xml>"
}
