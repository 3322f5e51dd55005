package alipay

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Signer posts notices as Alipay does, in the first of the configured sign_types. It may be used from many goroutines.
type Signer struct {
	options Options
	payment string
	alg     algorithm
	private *rsa.PrivateKey
	charset string // utf-8 or gbk
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer with Alipay's RSA private key, as PEM or bare base64 (PKCS #8 or PKCS #1). It must be the
// private half of a key in o.
func NewSigner(o Options, key string) (*Signer, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	private, err := parsePrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("alipay: signing key: %w", err)
	}
	if !slices.ContainsFunc(p.keys.all, func(k *rsa.PublicKey) bool { return k.Equal(&private.PublicKey) }) {
		return nil, errors.New("alipay: signing key: belongs to none of the configured public_key and certificates")
	}
	return &Signer{options: o, payment: p.payment, alg: p.algorithms[0], private: private, charset: "utf-8"}, nil
}

// Sign returns the notice that tells n: pending, paid, closed, or refunded, which is then a full refund. Zero fields
// become a paid order of 1.00 CNY with a fresh notify_id and a trade_no that follows from the payment.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	values, err := s.compose(n, at)
	if err != nil {
		return callback.Request{}, fmt.Errorf("alipay: sign: %w", err)
	}
	r, err := s.post(values)
	if err != nil {
		return callback.Request{}, fmt.Errorf("alipay: sign: %w", err)
	}
	return r, nil
}

func (s *Signer) compose(n callback.Notification, at time.Time) (map[string]string, error) {
	n.Payment = cmp.Or(n.Payment, "order-1001")
	if err := relay.CheckPayment(n.Payment); err != nil {
		return nil, err
	}
	if strings.Contains(n.Payment, "&") {
		return nil, errors.New("an out_trade_no has no & in it")
	}
	if cmp.Or(n.Currency, "CNY") != "CNY" {
		return nil, fmt.Errorf("currency is %s, Alipay's is CNY", n.Currency)
	}
	amount, err := yuan(cmp.Or(n.Amount, "1.00"))
	if err != nil {
		return nil, err
	}
	if n.Time.IsZero() {
		n.Time = at
	}
	when := n.Time.In(beijing).Format(time.DateTime)
	values := map[string]string{
		"app_id":           s.options.AppID.First("2021000000000000"),
		"auth_app_id":      s.options.AppID.First("2021000000000000"),
		"buyer_id":         "2088102116773037",
		"buyer_pay_amount": amount,
		"charset":          s.charset,
		"gmt_create":       when,
		"invoice_amount":   amount,
		"notify_id":        cmp.Or(n.ID, at.In(beijing).Format("20060102")+"00222"+rand.Text()),
		"notify_time":      at.In(beijing).Format(time.DateTime),
		"notify_type":      "trade_status_sync",
		"out_trade_no":     n.Payment,
		"point_amount":     "0.00",
		"receipt_amount":   amount,
		"seller_id":        s.options.SellerID.First("2088000000000000"),
		"subject":          "订单 " + n.Payment,
		"total_amount":     amount,
		"trade_no":         cmp.Or(n.TransactionID, "20260101"+callback.Digits(n.Payment, 20)),
		"version":          "1.0",
	}
	switch cmp.Or(n.Status, relay.Paid) {
	case relay.Pending:
		values["trade_status"] = waiting
	case relay.Paid:
		values["trade_status"] = success
		values["gmt_payment"] = when
	case relay.Closed:
		values["trade_status"] = closed
		values["gmt_close"] = when
	case relay.Refunded:
		values["trade_status"] = closed
		values["gmt_payment"] = when
		values["gmt_refund"] = n.Time.In(beijing).Format(time.DateTime + ".000")
		values["gmt_close"] = when
		values["refund_fee"] = amount
		values["out_biz_no"] = "refund-" + n.Payment
	default:
		return nil, fmt.Errorf("no notice tells %q; Alipay has them for pending, paid, closed and refunded", n.Status)
	}
	values[s.payment] = n.Payment
	return values, nil
}

// post signs values in the Signer's charset.
func (s *Signer) post(values map[string]string) (callback.Request, error) {
	form, err := s.encode(values)
	if err != nil {
		return callback.Request{}, err
	}
	hash := s.alg.hash.New()
	hash.Write(form.text())
	signature, err := rsa.SignPKCS1v15(nil, s.private, s.alg.hash, hash.Sum(nil))
	if err != nil {
		return callback.Request{}, err
	}
	body := url.Values{"sign": {base64.StdEncoding.EncodeToString(signature)}, "sign_type": {s.alg.name}}
	for _, p := range form {
		body.Set(p.name, p.value)
	}
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=" + s.charset}}
	return callback.NewPost(h, []byte(body.Encode())), nil
}

// encode returns values as the bytes of the charset, sorted by name.
func (s *Signer) encode(values map[string]string) (form, error) {
	var f form
	for name, value := range values {
		if s.charset == "gbk" {
			var err error
			if value, err = simplifiedchinese.GBK.NewEncoder().String(value); err != nil {
				return nil, fmt.Errorf("%s cannot be written in GBK", name)
			}
		}
		f = append(f, param{name, value})
	}
	slices.SortFunc(f, func(a, b param) int { return cmp.Compare(a.name, b.name) })
	return f, nil
}

// yuan returns a with two decimals, which is how Alipay writes every amount.
func yuan(a relay.Amount) (string, error) {
	fen, err := money.ToMinor(a, "CNY")
	if err != nil {
		return "", err
	}
	if fen[0] == '-' {
		return "", errors.New("the amount is negative")
	}
	a, err = money.FromMinor(fen, "CNY")
	return string(a), err
}

// Throwaway returns the settings of an application that exists nowhere, in public-key mode, and the private key that
// signs its notices, as PEM. All of it is fresh.
func Throwaway() (Options, string, error) {
	private, public, err := callback.ThrowawayRSA()
	if err != nil {
		return Options{}, "", fmt.Errorf("alipay: %w", err)
	}
	o := Options{
		AppID:     callback.List{"2021" + callback.Digits(rand.Text(), 12)},
		SellerID:  callback.List{"2088" + callback.Digits(rand.Text(), 12)},
		PublicKey: callback.List{public},
	}
	return o, private, nil
}
