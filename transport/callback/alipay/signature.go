package alipay

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1"   // RSA
	_ "crypto/sha256" // RSA2
	"fmt"
	"slices"
	"strings"

	"github.com/tillbell/tillbell/transport/callback"
)

const certSerial = "alipay_cert_sn"

// unsigned are the parameters that no event may be read from: the signature does not cover the first two ever, and
// the third not always.
var unsigned = []string{"sign", "sign_type", certSerial}

// algorithm is a value of sign_type. Both are PKCS #1 v1.5.
type algorithm struct {
	name string
	hash crypto.Hash
	bits int // of the shortest key that may be used with it
}

// Keys of 1024 bits belong to the time of SHA-1; Alipay's console does not make them for RSA2.
var (
	rsa2 = algorithm{"RSA2", crypto.SHA256, 2048}
	rsa1 = algorithm{"RSA", crypto.SHA1, 1024}
)

func (o Options) algorithms() ([]algorithm, error) {
	if len(o.SignTypes) == 0 {
		return []algorithm{rsa2}, nil
	}
	var list []algorithm
	for _, name := range o.SignTypes {
		switch name {
		case rsa2.name:
			list = append(list, rsa2)
		case rsa1.name:
			list = append(list, rsa1)
		default:
			return nil, fmt.Errorf("alipay: sign_types: %q is neither RSA2 nor RSA", name)
		}
	}
	return list, nil
}

func minBits(list []algorithm) int {
	bits := 0
	for _, a := range list {
		bits = max(bits, a.bits)
	}
	return bits
}

// verify reports why f is not proven to be Alipay's, or nil.
func (p *Provider) verify(f form) *callback.Refusal {
	sign := f.get("sign")
	if sign == "" {
		return callback.Refuse(callback.MissingHeader, "the form has no sign parameter")
	}
	alg := p.algorithms[0]
	if name := f.get("sign_type"); name != "" {
		i := slices.IndexFunc(p.algorithms, func(a algorithm) bool { return a.name == name })
		if i < 0 {
			return callback.Refuse(callback.UnsupportedAlgorithm, "sign_type is not one of the configured sign_types")
		}
		alg = p.algorithms[i]
	}
	// The decoder skips line breaks even when it is strict.
	signature, err := callback.Base64(sign)
	if err != nil || strings.ContainsAny(sign, "\r\n") {
		return callback.Refuse(callback.Malformed, "sign is not base64; spaces in it mean that a proxy has encoded the body again")
	}
	keys, ok := p.keys.candidates(f.get(certSerial))
	if !ok {
		return callback.Refuse(callback.UnknownKey, "alipay_cert_sn is not the serial of a configured certificate; add Alipay's current one to certificates")
	}
	for _, text := range f.texts() {
		h := alg.hash.New()
		h.Write(text)
		digest := h.Sum(nil)
		for _, key := range keys {
			if rsa.VerifyPKCS1v15(key, alg.hash, digest, signature) == nil {
				return nil
			}
		}
	}
	return callback.Refuse(callback.BadSignature, "no configured key made sign: is it Alipay's key, not the application's own, and was the body changed on its way here?")
}

// texts returns what may have been signed: all parameters but sign and sign_type, k=v joined with &.
//
// Alipay does not say whether an empty value is signed as `k=` or left out, nor whether alipay_cert_sn belongs to the
// text, and the SDKs differ. So all are tried, the official SDKs' way first: one text as a rule, four at most. None of
// it lets a sender say anything that is not signed, because an empty parameter reads as an absent one, and
// alipay_cert_sn only chooses a key.
func (f form) texts() [][]byte {
	full := slices.DeleteFunc(slices.Clone(f), func(p param) bool { return p.name == "sign" || p.name == "sign_type" })
	variants := []form{full}
	for _, leaveOut := range []func(param) bool{
		func(p param) bool { return p.value == "" },
		func(p param) bool { return p.name == certSerial },
	} {
		for _, v := range variants {
			if slices.ContainsFunc(v, leaveOut) {
				variants = append(variants, slices.DeleteFunc(slices.Clone(v), leaveOut))
			}
		}
	}
	texts := make([][]byte, len(variants))
	for i, v := range variants {
		texts[i] = v.text()
	}
	return texts
}

func (f form) text() []byte {
	var b []byte
	for i, p := range f {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	return b
}
