package wechatpayv2

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Signer makes notices as WeChat Pay does. It may be used from many goroutines.
type Signer struct {
	options  Options
	provider *Provider
	key      *key
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first of o's API keys if key is empty, in the first way
// that sign_type allows. The error names the setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	k, err := newKey(cmp.Or(key, o.APIv2Key[0]))
	if err != nil {
		return nil, fmt.Errorf("wechatpay-v2: the signing key %w", err)
	}
	return &Signer{options: o, provider: p, key: k}, nil
}

// Throwaway returns the settings of an account that exists nowhere, with fresh keys, the newer one first. They suffice to
// sign.
func Throwaway() (Options, string, error) {
	return Options{
		MchID:    callback.List{"19" + callback.Digits(rand.Text(), 8)},
		AppID:    callback.List{"wx" + callback.Digits(rand.Text(), 16)},
		APIv2Key: callback.List{random(keyLength), random(keyLength)},
		SignType: callback.List{signHMAC},
	}, "", nil
}

// random returns up to 52 letters and digits.
func random(n int) string { return (rand.Text() + rand.Text())[:n] }

// Sign returns the notice that says n: a signed one of a payment or of one that failed, a sealed one of a refund. The id
// of a payment's notice is its transaction id, and TransactionID has precedence; of a refund's it is the refund's id.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	document, err := s.compose(n.Filled(About.Currency, at))
	if err != nil {
		return callback.Request{}, fmt.Errorf("wechatpay-v2: sign: %w", err)
	}
	h := make(http.Header)
	h.Set("Content-Type", "text/xml")
	h.Set("User-Agent", "Mozilla/4.0")
	return callback.NewPost(h, document), nil
}

func (s *Signer) compose(n callback.Notification) ([]byte, error) {
	minor, err := money.ToMinor(n.Amount, n.Currency)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(minor, "-") {
		return nil, fmt.Errorf("amount %s is negative", n.Amount)
	}
	outside := notice{
		"appid":       s.options.AppID.First("wx0000000000000001"),
		"mch_id":      s.options.MchID.First("1900000001"),
		"nonce_str":   random(32),
		"return_code": "SUCCESS",
	}
	switch n.Status {
	case relay.Paid, relay.Failed:
		err = s.sign(outside, n, minor)
	case relay.Refunded, relay.RefundFailed:
		err = s.seal(outside, n, minor)
	default:
		err = fmt.Errorf("WeChat Pay v2 has no notice for %q, only for paid, failed, refunded and refund_failed", n.Status)
	}
	if err != nil {
		return nil, err
	}
	return outside.document("xml"), nil
}

// sign completes and signs the notice of a payment.
func (s *Signer) sign(o notice, n callback.Notification, minor string) error {
	o["bank_type"] = "OTHERS"
	o["cash_fee"] = minor
	o["fee_type"] = n.Currency
	o["is_subscribe"] = "N"
	o["openid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
	o["result_code"] = "SUCCESS"
	o["time_end"] = n.Time.In(beijing).Format(compactTime)
	o["total_fee"] = minor
	o["trade_type"] = "NATIVE"
	o["transaction_id"] = cmp.Or(n.TransactionID, n.ID, transaction(n.Payment))
	if n.Status == relay.Failed {
		o["result_code"], o["err_code"], o["err_code_des"] = "FAIL", "NOTENOUGH", "余额不足"
	}
	if err := s.place(o, n.Payment); err != nil {
		return err
	}
	text := o.signedText()
	if name := ambiguous(o, text, s.provider.read); name != "" {
		return fmt.Errorf("a value must not have &%s= in it", name)
	}
	o[signElement] = s.key.sign(s.provider.signTypes[0], text)
	return nil
}

// seal encrypts what the notice of a refund tells.
func (s *Signer) seal(o notice, n callback.Notification, minor string) error {
	inside := notice{
		"out_refund_no":         "refund-" + n.Payment,
		"refund_account":        "REFUND_SOURCE_RECHARGE_FUNDS",
		"refund_fee":            minor,
		"refund_id":             cmp.Or(n.ID, "5030"+callback.Digits(rand.Text(), 24)),
		"refund_recv_accout":    "支付用户零钱", // so spelt by WeChat Pay
		"refund_request_source": "API",
		"refund_status":         "SUCCESS",
		"settlement_refund_fee": minor,
		"settlement_total_fee":  minor,
		"success_time":          n.Time.In(beijing).Format(refundTime),
		"total_fee":             minor,
		"transaction_id":        cmp.Or(n.TransactionID, transaction(n.Payment)),
	}
	if n.Status == relay.RefundFailed {
		inside["refund_status"] = "CHANGE"
	}
	if n.Currency != "CNY" {
		inside["fee_type"] = n.Currency
	}
	if err := s.place(inside, n.Payment); err != nil {
		return err
	}
	sealed := encrypt(s.key.refund, pad(inside.document("root")))
	o[sealedElement] = base64.StdEncoding.EncodeToString(sealed)
	return nil
}

// transaction returns the payment's transaction id, the same in all of its notices.
func transaction(payment string) string { return "4200" + callback.Digits(payment, 24) }

// place writes the payment where it is read from. XML must be able to write it down, and read it back the same.
func (s *Signer) place(o notice, payment string) error {
	name := s.provider.payment
	if o[name] != "" {
		return fmt.Errorf("fields: payment: %s is another field of a notice", name)
	}
	o[outTradeNo], o[name] = payment, payment
	back, err := parse(o.document("xml"))
	if err != nil || back[name] != payment {
		return errors.New("XML cannot have the payment id")
	}
	return nil
}
