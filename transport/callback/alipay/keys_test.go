package alipay

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
)

func TestPublicKeyForms(t *testing.T) {
	o, key := throwaway()
	body := with(t, mustSigner(t, o, key), nil)
	block, _ := pem.Decode([]byte(o.PublicKey[0]))
	bare := strings.NewReplacer("-----BEGIN PUBLIC KEY-----", "", "-----END PUBLIC KEY-----", "").Replace(o.PublicKey[0])
	for name, text := range map[string]string{
		"PEM":                 o.PublicKey[0],
		"PEM, Windows":        strings.ReplaceAll(o.PublicKey[0], "\n", "\r\n"),
		"PEM of PKCS #1":      publicPEM(privateKey(t)),
		"the console's text":  strings.Join(strings.Fields(bare), ""),
		"the same, in lines":  bare,
		"PEM after a comment": "Alipay\n" + string(pem.EncodeToMemory(block)),
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			o.PublicKey = callback.List{text}
			accepted(t, mustNew(t, o), body)
		})
	}
}

func TestSeveralKeysAreValidAtOnce(t *testing.T) {
	o, key := throwaway()
	body := with(t, mustSigner(t, o, key), nil)
	other, _, err := Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	mine := o.PublicKey[0]
	o.PublicKey = other.PublicKey
	refused(t, mustNew(t, o), body, callback.BadSignature, false)
	o.PublicKey = callback.List{other.PublicKey[0], mine}
	accepted(t, mustNew(t, o), body)
	o.PublicKey, o.Certificates = other.PublicKey, callback.List{certificate(t, 1)}
	accepted(t, mustNew(t, o), body) // both modes at once
}

func TestShortKeysOnlyWithRSA(t *testing.T) {
	o := Options{PublicKey: callback.List{publicPEM(shortKey())}, SignTypes: callback.List{"RSA"}}
	s := mustSigner(t, o, privatePEM(shortKey()))
	accepted(t, mustNew(t, o), with(t, s, nil))
}

func TestCertificateSerial(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	o.PublicKey = nil
	chain := certificate(t, 4711) + certificate(t, 4712) // the file as downloaded: the second is the issuer's
	o.Certificates = callback.List{chain, certificate(t, 4713)}
	p := mustNew(t, o)
	serial := func(n int64) string {
		t.Helper()
		serial, _, err := parseCertificate(certificate(t, n))
		if err != nil || len(serial) != 32 {
			t.Fatal(serial, err)
		}
		return serial
	}
	accepted(t, p, with(t, s, nil))
	text := "out_trade_no=A-1&trade_status=TRADE_SUCCESS"
	for _, n := range []int64{4711, 4713} {
		pairs := []string{"alipay_cert_sn", serial(n), "out_trade_no", "A-1", "trade_status", success}
		accepted(t, p, unescaped(t, s, "alipay_cert_sn="+serial(n)+"&"+text, pairs...)) // the official SDKs' way
		accepted(t, p, unescaped(t, s, text, pairs...))                                 // smartwalle's
		accepted(t, p, unescaped(t, s, text, append(pairs, "body", "")...))
		accepted(t, p, unescaped(t, s, "alipay_cert_sn="+serial(n)+"&body=&"+text, append(pairs, "body", "")...))
	}
	for _, unknown := range []string{serial(4712), serial(1), "x"} {
		refused(t, p, with(t, s, map[string]string{"alipay_cert_sn": unknown}), callback.UnknownKey, false)
	}
}

// TestSerialSelectsTheCertificate: a notice that names one certificate must not be signed with the key of another.
func TestSerialSelectsTheCertificate(t *testing.T) {
	o, key := throwaway()
	s := mustSigner(t, o, key)
	other, _, err := Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	p := mustNew(t, o)
	otherKey, err := parsePublicKey(other.PublicKey[0])
	if err != nil {
		t.Fatal(err)
	}
	p.keys.bySerial["other"] = otherKey
	p.keys.add(otherKey)
	refused(t, p, with(t, s, map[string]string{"alipay_cert_sn": "other"}), callback.BadSignature, false)
}
