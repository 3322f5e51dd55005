package wechatpay

import (
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// certificate returns a platform certificate of the key that the tests share.
func certificate(t testing.TB, number int64, name string, from, until time.Time) string {
	t.Helper()
	_, key := shop()
	private, err := parsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, private, number, name, from, until)
}

func certify(t testing.TB, private *rsa.PrivateKey, number int64, name string, from, until time.Time) string {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(number),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    from,
		NotAfter:     until,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("CERTIFICATE", der)
}

const platform = "Tenpay.com sign"

func year(n int) time.Time { return time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC) }

// While a merchant moves from certificates to the public key, the serial alone says which of them signed.
func TestKeyIsChosenBySerial(t *testing.T) {
	other, otherKey, err := Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	private, err := parsePrivateKey(otherKey)
	if err != nil {
		t.Fatal(err)
	}
	other.PublicKeys = nil
	other.Certificates = callback.List{
		certificate(t, 0xB0B, platform, year(2022), year(2027)),
		certify(t, private, 0xA11CE, platform, year(2026), year(2031)),
	}
	byCertificate, err := NewSigner(other, otherKey)
	if err != nil {
		t.Fatal(err)
	}
	p, byPublicKey := open(t, func(o *Options) {
		o.Certificates = other.Certificates
		byCertificate.aead = mustAEAD(t, *o)
		byCertificate.options = *o
	})
	byPublicKey.serial = onlyID(byPublicKey.options) // the certificate 0B0B has the same key
	parse(t, p, sign(t, byPublicKey, callback.Notification{}))
	r := sign(t, byCertificate, callback.Notification{})
	parse(t, p, r)
	if got := r.Header.Get(headerSerial); got != "0A11CE" {
		t.Errorf("serial %s, want 0A11CE: two digits a byte", got)
	}
	byPublicKey.serial = "0B0B"
	parse(t, p, sign(t, byPublicKey, callback.Notification{}))
	byPublicKey.serial = "0A11CE"
	refuses(t, p, sign(t, byPublicKey, callback.Notification{}), now, callback.BadSignature)
	byPublicKey.serial = "0b0b"
	refuses(t, p, sign(t, byPublicKey, callback.Notification{}), now, callback.UnknownKey)
}

func mustAEAD(t testing.TB, o Options) cipher.AEAD {
	t.Helper()
	aead, err := o.aead()
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func onlyID(o Options) string {
	for id := range o.PublicKeys {
		return id
	}
	return ""
}

func TestCertificateCountsDuringItsValidity(t *testing.T) {
	from, until := now.Add(-time.Minute), now.Add(time.Minute)
	p, s := open(t, func(o *Options) {
		o.PublicKeys = nil
		o.Certificates = callback.List{certificate(t, 7, platform, from, until)}
	})
	r := sign(t, s, callback.Notification{})
	for _, at := range []time.Time{from, now, until} {
		if _, err := p.Parse(r, at); err != nil {
			t.Errorf("at %v: %v", at, err)
		}
	}
	refuses(t, p, r, from.Add(-time.Second), callback.UntrustedCert)
	refuses(t, p, r, until.Add(time.Second), callback.UntrustedCert)
}

func TestConfigErrorsNameTheSetting(t *testing.T) {
	_, key := shop()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := func(k any) string {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return encodePEM("PUBLIC KEY", der)
	}
	good := certificate(t, 7, platform, year(2026), year(2031))
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.APIv3Key = "" }, "api_v3_key: must have 32 bytes (or 16 or 24), has 0"},
		{func(o *Options) { o.APIv3Key += "!" }, "api_v3_key: must have 32 bytes (or 16 or 24), has 33"},
		{func(o *Options) { o.APIv3Key = o.APIv3Key[:31] }, "api_v3_key: must have 32 bytes (or 16 or 24), has 31"},
		{func(o *Options) { o.PublicKeys = nil }, "public_keys or certificates: at least one"},
		{func(o *Options) { o.Tolerance = -1 }, "tolerance: "},
		{func(o *Options) { o.Fields.Amount = "amount.payer_total" }, "fields: only payment"},
		{func(o *Options) { o.PublicKeys = map[string]string{"K": "nonsense"} }, `public_keys["K"]: is not PEM`},
		{func(o *Options) { o.PublicKeys = map[string]string{"K": key} }, `public_keys["K"]: is a PEM block PRIVATE KEY, want PUBLIC KEY`},
		{func(o *Options) { o.PublicKeys = map[string]string{"K": encodePEM("PUBLIC KEY", []byte("x"))} }, `public_keys["K"]: is not a public key`},
		{func(o *Options) { o.PublicKeys = map[string]string{"K": public(&curve.PublicKey)} }, `public_keys["K"]: is not an RSA key`},
		{func(o *Options) { o.PublicKeys = map[string]string{"K": public(&small.PublicKey)} }, `public_keys["K"]: has an RSA key of 1024 bits`},
		{func(o *Options) { o.PublicKeys = map[string]string{"": o.PublicKeys[onlyID(*o)]} }, `public_keys[""]: needs the key's id`},
		{func(o *Options) { o.Certificates = callback.List{good, "x"} }, "certificates[1]: is not PEM"},
		{func(o *Options) { o.Certificates = callback.List{good + good} }, "certificates[0]: holds more than one"},
		{func(o *Options) { o.Certificates = callback.List{encodePEM("CERTIFICATE", []byte("x"))} }, "certificates[0]: is not an X.509"},
		{func(o *Options) { o.Certificates = callback.List{good, good} }, "certificates[1]: another key has the serial 07"},
	} {
		o, key := shop()
		c.change(&o)
		_, err := New(o)
		if err == nil || !strings.HasPrefix(err.Error(), "wechatpay: "+c.want) {
			t.Errorf("New: %v, want %s", err, c.want)
			continue
		}
		if o.APIv3Key != "" && strings.Contains(err.Error(), o.APIv3Key) || strings.Contains(err.Error(), key) {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

// The certificate that a merchant downloads for its own requests looks much the same.
func TestMerchantsOwnCertificateIsAConfigError(t *testing.T) {
	o, _ := shop()
	o.Certificates = callback.List{certificate(t, 7, "1900009191", year(2026), year(2031))}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "certificates[0]: is the API certificate of merchant 1900009191") {
		t.Errorf("New: %v", err)
	}
}
