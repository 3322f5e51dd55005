package wechatpay

import (
	"slices"

	"github.com/tidwall/gjson"
	"github.com/tillbell/tillbell/transport/callback"
)

const (
	resourceAlgorithm = "AEAD_AES_256_GCM"

	// selfTest is the callback that a merchant orders to try its own verification and opening. See
	// https://pay.weixin.qq.com/doc/v3/partner/4019605946.
	selfTest = "SECURITY_ECHO.SUCCESS"
)

// read opens a body whose signature held, compares the account, and translates.
func (p *Provider) read(body []byte) ([]callback.Event, *callback.Refusal) {
	envelope, refusal := callback.ParseObject(body, "the body")
	if refusal != nil {
		return nil, refusal
	}
	eventType := callback.Text(envelope.Get("event_type"))
	if eventType == "" {
		return nil, callback.Reject("the body has no event_type")
	}
	told, relevant := kinds[eventType]
	content, refusal := p.open(envelope.Get("resource"))
	if refusal != nil {
		// Refusing an event of no interest would only have it sent for a day. The self-test is there to be refused.
		if !relevant && eventType != selfTest {
			return nil, nil
		}
		return nil, refusal
	}
	orders := []gjson.Result{content}
	if sub := content.Get("sub_orders"); sub.IsArray() {
		orders = sub.Array()
	}
	if refusal := p.account(content, orders); refusal != nil {
		return nil, refusal
	}
	if !relevant {
		return nil, nil
	}
	return p.translate(envelope, told, orders)
}

// open decrypts a resource and returns the JSON object in it. Everything is checked before the cipher sees it: it
// panics on a nonce of another length.
func (p *Provider) open(resource gjson.Result) (gjson.Result, *callback.Refusal) {
	if !resource.IsObject() {
		return gjson.Result{}, callback.Reject("the body has no resource")
	}
	if callback.Text(resource.Get("algorithm")) != resourceAlgorithm {
		return gjson.Result{}, callback.Refuse(callback.UnsupportedAlgorithm, "resource.algorithm is not "+resourceAlgorithm)
	}
	nonce := []byte(callback.Text(resource.Get("nonce")))
	if len(nonce) != p.aead.NonceSize() {
		return gjson.Result{}, callback.Reject("resource.nonce has another length than 12 bytes")
	}
	sealed, err := callback.Base64(callback.Text(resource.Get("ciphertext")))
	if err != nil {
		return gjson.Result{}, callback.Reject("resource.ciphertext is not base64")
	}
	plain, err := p.aead.Open(nil, nonce, sealed, []byte(callback.Text(resource.Get("associated_data"))))
	if err != nil {
		return gjson.Result{}, callback.Refuse(callback.DecryptFailed, "the resource does not open with api_v3_key; was it changed in the merchant console?")
	}
	return callback.ParseObject(plain, "the opened resource")
}

// account compares the merchants and apps that the content names, and for a combined payment each of its orders, with
// the configured ones.
func (p *Provider) account(content gjson.Result, orders []gjson.Result) *callback.Refusal {
	for _, order := range orders {
		if !ours(p.mchid, content.Get("combine_mchid"), order.Get("mchid"), order.Get("sp_mchid"), order.Get("sub_mchid")) {
			return callback.Refuse(callback.WrongAccount, "the callback is about another merchant than mchid")
		}
		if !ours(p.appid, content.Get("combine_appid"), order.Get("appid"), order.Get("sp_appid"), order.Get("sub_appid")) {
			return callback.Refuse(callback.WrongAccount, "the callback is about another app than appid")
		}
	}
	return nil
}

// ours reports whether one of the ids that are there is configured, or none is there, or nothing is configured.
func ours(configured callback.List, ids ...gjson.Result) bool {
	named := false
	for _, r := range ids {
		if id := callback.Text(r); id != "" {
			named = true
			if slices.Contains(configured, id) {
				return true
			}
		}
	}
	return len(configured) == 0 || !named
}
