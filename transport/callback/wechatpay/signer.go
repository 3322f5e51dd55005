package wechatpay

import (
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Signer makes callbacks as WeChat Pay does. It may be used from many goroutines.
type Signer struct {
	options Options
	aead    cipher.AEAD
	private *rsa.PrivateKey
	serial  string
}

// NewSigner returns a Signer with the platform's RSA private key as PEM (PKCS #8 or PKCS #1). The key must be the
// private half of one in o; that one's id or serial is what callbacks name.
func NewSigner(o Options, key string) (*Signer, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	private, err := parsePrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("wechatpay: signing key: %w", err)
	}
	serials := slices.Sorted(maps.Keys(p.keys))
	i := slices.IndexFunc(serials, func(s string) bool { return p.keys[s].Equal(&private.PublicKey) })
	if i < 0 {
		return nil, fmt.Errorf("wechatpay: signing key: belongs to none of the configured public_keys and certificates %q", serials)
	}
	return &Signer{options: o, aead: p.aead, private: private, serial: serials[i]}, nil
}

func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("is not PEM, want WeChat Pay's RSA private key")
	}
	return callback.ParseRSAPrivate(block.Bytes)
}

// Sign returns the callback that tells n. WeChat Pay has one for paid, failed, refunded and refund_failed. Zero fields
// become a paid order of 1.00 CNY with a fresh id and a transaction id that follows from the payment.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	told, err := s.compose(n, at)
	if err != nil {
		return callback.Request{}, fmt.Errorf("wechatpay: sign: %w", err)
	}
	return s.post(told, at)
}

// SignCombined returns the callback of one combined payment (合单支付) that pays all orders. It has the ID and the Time
// of the first.
func (s *Signer) SignCombined(orders []callback.Notification, at time.Time) (callback.Request, error) {
	told, err := s.combine(orders, at)
	if err != nil {
		return callback.Request{}, fmt.Errorf("wechatpay: sign combined: %w", err)
	}
	return s.post(told, at)
}

// Probe returns n's callback with one of the wrong signatures by which WeChat Pay tests merchants.
func (s *Signer) Probe(n callback.Notification, at time.Time) (callback.Request, error) {
	r, err := s.Sign(n, at)
	if err != nil {
		return callback.Request{}, err
	}
	r.Header.Set(headerSignature, probePrefix+r.Header.Get(headerSignature)[len(probePrefix):])
	return r, nil
}

// message is a callback before it is sealed and signed.
type message struct {
	id, eventType, original, summary string
	created                          time.Time
	content                          map[string]any
}

// post seals m's content and signs the whole.
func (s *Signer) post(m message, at time.Time) (callback.Request, error) {
	content, err := json.Marshal(m.content)
	if err != nil {
		return callback.Request{}, fmt.Errorf("wechatpay: sign: %w", err)
	}
	nonce := rand.Text()[:s.aead.NonceSize()]
	sealed := s.aead.Seal(nil, []byte(nonce), content, []byte(m.original))
	body, err := json.Marshal(map[string]any{
		"id":            m.id,
		"create_time":   m.created.In(beijing).Format(time.RFC3339),
		"event_type":    m.eventType,
		"resource_type": "encrypt-resource",
		"summary":       m.summary,
		"resource": map[string]string{
			"original_type":   m.original,
			"algorithm":       resourceAlgorithm,
			"ciphertext":      base64.StdEncoding.EncodeToString(sealed),
			"associated_data": m.original,
			"nonce":           nonce,
		},
	})
	if err != nil {
		return callback.Request{}, fmt.Errorf("wechatpay: sign: %w", err)
	}
	return s.sign(body, at)
}

// sign returns the POST of body with WeChat Pay's headers.
func (s *Signer) sign(body []byte, at time.Time) (callback.Request, error) {
	timestamp, nonce := strconv.FormatInt(at.Unix(), 10), rand.Text()
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.private, crypto.SHA256, digest(timestamp, nonce, body))
	if err != nil {
		return callback.Request{}, fmt.Errorf("wechatpay: sign: %w", err)
	}
	h := make(http.Header)
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Mozilla/4.0")
	h.Set("Request-Id", rand.Text())
	h.Set(headerSerial, s.serial)
	h.Set(headerTimestamp, timestamp)
	h.Set(headerNonce, nonce)
	h.Set(headerType, signatureType)
	h.Set(headerSignature, base64.StdEncoding.EncodeToString(signature))
	return callback.NewPost(h, body), nil
}

// Throwaway returns the settings of an account that exists nowhere, in public-key mode, and the private key that signs
// its callbacks, as PEM. All of it is fresh.
func Throwaway() (Options, string, error) {
	private, public, err := callback.ThrowawayRSA()
	if err != nil {
		return Options{}, "", fmt.Errorf("wechatpay: %w", err)
	}
	o := Options{
		MchID:      callback.List{"19" + callback.Digits(rand.Text(), 8)},
		AppID:      callback.List{"wx" + callback.Digits(rand.Text(), 16)},
		APIv3Key:   (rand.Text() + rand.Text())[:32],
		PublicKeys: map[string]string{"PUB_KEY_ID_" + callback.Digits(rand.Text(), 34): public},
	}
	return o, private, nil
}
