package wechatpayv2

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tillbell/tillbell/transport/callback"
)

// The values of sign_type.
const (
	signMD5  = "MD5"
	signHMAC = "HMAC-SHA256"
)

const (
	signElement = "sign"
	typeElement = "sign_type"
)

// key is an API key with what it is used for.
type key struct {
	text   string
	mac    *callback.Secret
	refund cipher.Block // opens req_info
}

// keyLength is that of every API key: the merchant console takes no other.
const keyLength = 32

// newKey's error completes the sentence "number 2 must …" and does not repeat the key.
func newKey(text string) (*key, error) {
	if len(text) != keyLength || strings.TrimSpace(text) != text {
		return nil, errors.New("must have 32 characters, without white space")
	}
	// MD5 is WeChat Pay's way to derive the key. Nothing rests on it: the API key has no less entropy than its digest.
	digest := md5.Sum([]byte(text))
	block, err := aes.NewCipher([]byte(hex.EncodeToString(digest[:])))
	if err != nil {
		return nil, errors.New("must be usable as an AES key")
	}
	return &key{text: text, mac: callback.NewSecret([]byte(text)), refund: block}, nil
}

// sign returns the signature of a signed text, in upper-case hex.
func (k *key) sign(signType, text string) string {
	text += "&key=" + k.text
	if signType == signHMAC {
		sum := k.mac.Sum([]byte(text))
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	// MD5 is what WeChat Pay signs with unless an order asks for better; see the package's comment for what it is worth.
	sum := md5.Sum([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// signedText returns what is signed, up to the key: all that is not empty but sign, sign_type and unknown elements too.
func (n notice) signedText() string {
	var b strings.Builder
	for _, name := range n.names() {
		if name == signElement {
			continue
		}
		if b.Len() != 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + n[name])
	}
	return b.String()
}

// verify checks the signature of a notice. The algorithm is the one that the signature's length shows and the settings
// allow; sign_type, which few notices have, must agree.
func (p *Provider) verify(n notice) *callback.Refusal {
	given := n[signElement]
	var signType string
	switch len(given) {
	case 0:
		return callback.Refuse(callback.MissingHeader, "the notice has neither sign nor req_info")
	case hex.EncodedLen(md5.Size):
		signType = signMD5
	case hex.EncodedLen(sha256.Size):
		signType = signHMAC
	default:
		return callback.Refuse(callback.BadSignature, "sign has the length of neither MD5 nor HMAC-SHA256")
	}
	if !slices.Contains(p.signTypes, signType) {
		return callback.Refuse(callback.UnsupportedAlgorithm, fmt.Sprintf("the notice is signed with %s; if its order was placed so, "+
			"add that to sign_type", signType))
	}
	if named := n[typeElement]; named != "" && named != signType {
		return callback.Refuse(callback.BadSignature, "the notice's sign_type is not what it is signed with")
	}
	text := n.signedText()
	if !slices.ContainsFunc(p.keys, func(k *key) bool { return hmac.Equal([]byte(given), []byte(k.sign(signType, text))) }) {
		return callback.Refuse(callback.BadSignature, "sign is by none of the configured keys: compare api_v2_key with the merchant "+
			"console, and sign_type with what orders are placed with")
	}
	if name := ambiguous(n, text, p.read); name != "" {
		return callback.Refuse(callback.BadSignature, "a value has &"+name+"= in it, so that the signature fits other notices too; "+
			"keep & out of attach")
	}
	return nil
}

// signedFields are the elements that are read of a signed notice.
var signedFields = []string{
	"appid", "sub_appid", "mch_id", "sub_mch_id", "sign_type", "return_code", "result_code", "trade_state", outTradeNo,
	"transaction_id", "total_fee", "fee_type", "time_end",
}

// ambiguous returns a name that the text has in another place than n, and nothing if there is none. Nothing in the text is
// escaped: attach=x&out_trade_no=y is one element or two. Whoever may write into attach, as some shops let their buyers,
// could so have a second reading signed, with the order and the amount of their choice. But that reading has to leave the
// genuine fields somewhere: in another value, where they are found here. What the genuine notice does not have can still
// be added, and is fee_type at worst: no amount that is registered bears another currency.
func ambiguous(n notice, text string, read []string) string {
	for _, name := range read {
		there := 0
		if n[name] != "" {
			there = 1
		}
		if strings.Count("&"+text, "&"+name+"=") != there {
			return name
		}
	}
	return ""
}
