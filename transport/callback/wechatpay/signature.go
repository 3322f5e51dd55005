package wechatpay

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

const (
	headerSerial    = "Wechatpay-Serial"
	headerSignature = "Wechatpay-Signature"
	headerTimestamp = "Wechatpay-Timestamp"
	headerNonce     = "Wechatpay-Nonce"
	headerType      = "Wechatpay-Signature-Type"

	// signatureType is what a callback without headerType has, too.
	signatureType = "WECHATPAY2-SHA256-RSA2048"

	// probePrefix begins the wrong signatures by which WeChat Pay finds merchants that do not check them. See
	// https://developers.weixin.qq.com/community/pay/article/doc/0004a879f60928d89340b8b9f64c13.
	probePrefix = "WECHATPAY/SIGNTEST/"
)

// signatureHeaders are the headers that a signature is checked with, as sent.
type signatureHeaders struct{ serial, signature, timestamp, nonce, kind string }

func readHeaders(h http.Header) (signatureHeaders, *callback.Refusal) {
	s := signatureHeaders{kind: signatureType}
	for _, f := range []struct {
		name  string
		value *string
	}{
		{headerSerial, &s.serial},
		{headerSignature, &s.signature},
		{headerTimestamp, &s.timestamp},
		{headerNonce, &s.nonce},
		{headerType, &s.kind},
	} {
		value, refusal := callback.Header(h, f.name)
		if refusal == nil {
			*f.value = value
		} else if f.name != headerType || refusal.Reason != callback.MissingHeader {
			return s, refusal
		}
	}
	return s, nil
}

// authenticate proves that r comes from WeChat Pay and was signed just now.
func (p *Provider) authenticate(r callback.Request, now time.Time) *callback.Refusal {
	h, refusal := readHeaders(r.Header)
	if refusal != nil {
		return refusal
	}
	if strings.HasPrefix(h.signature, probePrefix) {
		return callback.Refuse(callback.Probe, "WeChat Pay tests that wrong signatures are refused")
	}
	if h.kind != signatureType {
		return callback.Refuse(callback.UnsupportedAlgorithm, fmt.Sprintf("%s is %.40q, want %s", headerType, h.kind, signatureType))
	}
	key, ok := p.keys[h.serial]
	if !ok {
		return callback.Refuse(callback.UnknownKey, fmt.Sprintf("%s is %.64q, which is in neither public_keys nor certificates", headerSerial, h.serial))
	}
	if !key.validAt(now) {
		return callback.Refuse(callback.UntrustedCert, fmt.Sprintf("certificate %s is valid from %s to %s only",
			h.serial, key.from.Format(time.RFC3339), key.until.Format(time.RFC3339)))
	}
	if refusal := key.verify(h, r.Body); refusal != nil {
		return refusal
	}
	signed, refusal := callback.Timestamp(h.timestamp)
	if refusal != nil {
		return refusal
	}
	if now.Sub(signed).Abs() >= p.tolerance {
		return callback.Refuse(callback.StaleTimestamp, fmt.Sprintf("%s, less than %s is allowed", callback.Age(now, signed), p.tolerance))
	}
	return nil
}

func (k platformKey) verify(h signatureHeaders, body []byte) *callback.Refusal {
	signature, err := callback.Base64(h.signature)
	if err != nil {
		return callback.Refuse(callback.Malformed, headerSignature+" is not base64")
	}
	// A line feed within a line would let bytes move between nonce and body under one signature.
	if strings.Contains(h.timestamp+h.nonce, "\n") {
		return callback.Refuse(callback.Malformed, "a signed header contains a line feed")
	}
	if rsa.VerifyPKCS1v15(k.PublicKey, crypto.SHA256, digest(h.timestamp, h.nonce, body), signature) != nil {
		return callback.Refuse(callback.BadSignature, "the signature does not fit the body; does a proxy or framework rewrite it?")
	}
	return nil
}

// digest hashes what is signed: three lines, the last with its line feed too.
func digest(timestamp, nonce string, body []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", timestamp, nonce, body)
	return h.Sum(nil)
}
