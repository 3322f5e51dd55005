package wechatpayv2

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"

	"github.com/tillbell/tillbell/transport/callback"
)

// sealedElement is the element with a refund's content.
const sealedElement = "req_info"

// refundFields are what every refund's content has.
var refundFields = []string{
	outTradeNo, "transaction_id", "out_refund_no", "refund_id", "total_fee", "refund_fee", "refund_status",
}

// notSealed refuses whatever does not open, in the same words: where a stranger is told how far a guess came, each answer
// gives away a bit of what is inside.
func notSealed() *callback.Refusal {
	return callback.Refuse(callback.DecryptFailed, "req_info does not open with api_v2_key; was it changed in the merchant console?")
}

// open returns a refund's content, if one of the keys opens it to a whole one.
func (p *Provider) open(sealed string) (notice, *callback.Refusal) {
	data, err := callback.Base64(sealed)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, notSealed()
	}
	for _, k := range p.keys {
		if n, ok := opened(k.refund, data); ok {
			return n, nil
		}
	}
	return nil, notSealed()
}

func opened(block cipher.Block, sealed []byte) (notice, bool) {
	text, ok := unpad(decrypt(block, sealed))
	if !ok {
		return nil, false
	}
	n, err := parse(text)
	if err != nil {
		return nil, false
	}
	for _, name := range refundFields {
		if n[name] == "" {
			return nil, false
		}
	}
	return n, true
}

// decrypt and encrypt are AES in ECB mode, each block for itself, which the standard library has no name for since nothing
// but such a protocol should use it. The length must be a multiple of the block's.
func decrypt(block cipher.Block, sealed []byte) []byte {
	text := make([]byte, len(sealed))
	for i := 0; i < len(sealed); i += aes.BlockSize {
		block.Decrypt(text[i:i+aes.BlockSize], sealed[i:i+aes.BlockSize])
	}
	return text
}

func encrypt(block cipher.Block, text []byte) []byte {
	sealed := make([]byte, len(text))
	for i := 0; i < len(text); i += aes.BlockSize {
		block.Encrypt(sealed[i:i+aes.BlockSize], text[i:i+aes.BlockSize])
	}
	return sealed
}

// unpad takes the padding of PKCS #7 off: n bytes of the value n, of which there is at least one and at most a block.
func unpad(text []byte) ([]byte, bool) {
	n := int(text[len(text)-1])
	if n < 1 || n > aes.BlockSize {
		return nil, false
	}
	content, padding := text[:len(text)-n], text[len(text)-n:]
	return content, bytes.Equal(padding, bytes.Repeat(padding[:1], n))
}

func pad(text []byte) []byte {
	n := aes.BlockSize - len(text)%aes.BlockSize
	return append(bytes.Clone(text), bytes.Repeat([]byte{byte(n)}, n)...)
}
