package adyen

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// Signer posts the webhooks of style payments as Adyen does. It may be used from many goroutines.
type Signer struct {
	key     *callback.Secret
	options Options
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first of o's HMAC keys if key is empty. The error names the
// setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("adyen: %w", err)
	}
	secret, err := readKey(cmp.Or(key, o.HMACKeys[0]))
	if err != nil {
		return nil, fmt.Errorf("adyen: the signing key %w", err)
	}
	return &Signer{key: secret, options: o}, nil
}

// Throwaway returns settings with fresh keys, the newer one first, which suffice to sign.
func Throwaway() (Options, string, error) {
	var keys []string
	for range 2 {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		keys = append(keys, strings.ToUpper(hex.EncodeToString(key)))
	}
	return Options{HMACKeys: keys, MerchantAccount: callback.List{"Shop" + callback.Digits(rand.Text(), 6)}}, "", nil
}

// Sign returns the webhook that says n. An ID becomes the pspReference, alone or as EVENTCODE:PSPREFERENCE:SUCCESS, which
// is the form of event ids. For an authorisation that is also the payment's, so TransactionID has precedence.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	n = n.Filled(About.Currency, at)
	i, err := s.compose(n)
	if err != nil {
		return callback.Request{}, fmt.Errorf("adyen: sign: %w", err)
	}
	body, err := json.Marshal(jsonObject{
		"live":              "false",
		"notificationItems": []any{jsonObject{"NotificationRequestItem": s.sign(i, n.Time)}},
	})
	if err != nil {
		return callback.Request{}, fmt.Errorf("adyen: sign: %w", err)
	}
	h := make(http.Header)
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("User-Agent", "Adyen HttpClient 1.0")
	if s.options.Username != "" {
		(&http.Request{Header: h}).SetBasicAuth(s.options.Username, s.options.Password)
	}
	return callback.NewPost(h, body), nil
}

// code returns the event code that tells a status, and success.
func (s *Signer) code(status relay.Status) (code, success string, err error) {
	manual := s.options.Capture == captureManual
	switch {
	case s.options.Style == stylePlatform:
		return "", "", errors.New("webhooks of style platform tell no status of a payment")
	case status == relay.Pending && !manual:
		return "PENDING", "true", nil
	case status == relay.Paid && manual:
		return "CAPTURE", "true", nil
	case status == relay.Pending, status == relay.Paid:
		return "AUTHORISATION", "true", nil
	case status == relay.Failed:
		return "AUTHORISATION", "false", nil
	case status == relay.Closed:
		return "CANCELLATION", "true", nil
	case status == relay.Refunded:
		return "REFUND", "true", nil
	case status == relay.RefundFailed:
		return "REFUND_FAILED", "true", nil
	}
	return "", "", fmt.Errorf("no event code tells the status %q; there are codes for paid, pending, failed, closed, "+
		"refunded and refund_failed", status)
}

// compose returns the item that says n, without its signature.
func (s *Signer) compose(n callback.Notification) (i item, err error) {
	i.eventCode, i.success, err = s.code(n.Status)
	if err != nil {
		return i, err
	}
	i.merchantAccount = s.options.MerchantAccount.First("TestMerchant")
	i.merchantReference = n.Payment
	i.currency = n.Currency
	if i.value, err = decimals.Minor(n.Amount, i.currency); err != nil {
		return i, err
	}
	if strings.HasPrefix(i.value, "-") {
		return i, fmt.Errorf("amount %s is negative", n.Amount)
	}
	id := n.ID
	if parts := strings.Split(id, ":"); len(parts) == 3 {
		id = parts[1]
	}
	payment := cmp.Or(n.TransactionID, "88"+callback.Digits(i.merchantReference, 14))
	switch i.eventCode {
	case "AUTHORISATION", "PENDING":
		i.pspReference = cmp.Or(n.TransactionID, id, payment)
	default: // a modification has a reference of its own
		i.pspReference, i.originalReference = cmp.Or(id, rand.Text()[:16]), payment
	}
	if i.shifted(true) {
		return i, errors.New("no id and no account of Adyen's has a colon")
	}
	return i, nil
}

// jsonObject is written with its members in order: encoding/json sorts them.
type jsonObject = map[string]any

// sign returns i with its signature, and with what else Adyen sends, which is not signed.
func (s *Signer) sign(i item, at time.Time) jsonObject {
	o := jsonObject{
		"additionalData":      jsonObject{"hmacSignature": sign(s.key, i.signedText())},
		"amount":              jsonObject{"currency": i.currency, "value": json.Number(i.value)},
		"eventCode":           i.eventCode,
		"eventDate":           at.In(time.FixedZone("", 60*60)).Format(time.RFC3339),
		"merchantAccountCode": i.merchantAccount,
		"merchantReference":   i.merchantReference,
		"paymentMethod":       "visa",
		"pspReference":        i.pspReference,
		"reason":              "",
		"success":             i.success,
	}
	switch {
	case i.originalReference != "":
		o["originalReference"] = i.originalReference
	case i.success == "true":
		o["operations"] = []string{"CANCEL", "CAPTURE", "REFUND"}
	default:
		o["reason"] = "Refused"
	}
	return o
}
