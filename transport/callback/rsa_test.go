package callback_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
)

func der(t testing.TB, text, kind string) []byte {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != kind || len(rest) != 0 {
		t.Fatalf("no PEM of one %s", kind)
	}
	return block.Bytes
}

func TestThrowawayRSAIsAPair(t *testing.T) {
	private, public, err := callback.ThrowawayRSA()
	if err != nil {
		t.Fatal(err)
	}
	key, err := callback.ParseRSAPrivate(der(t, private, "PRIVATE KEY"))
	if err != nil || key.N.BitLen() != 2048 {
		t.Fatal(key, err)
	}
	open, err := x509.ParsePKIXPublicKey(der(t, public, "PUBLIC KEY"))
	if err != nil || !key.PublicKey.Equal(open) {
		t.Errorf("the halves do not belong together: %v", err)
	}
	again, err := callback.ParseRSAPrivate(x509.MarshalPKCS1PrivateKey(key))
	if err != nil || !again.Equal(key) {
		t.Errorf("PKCS #1: %v", err)
	}
}

func TestParseRSAPrivateTakesNothingElse(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                "is not a private key",
		"x":               "is not a private key",
		string(other):     "is not an RSA key",
		string(other)[:9]: "is not a private key",
	} {
		var key *rsa.PrivateKey
		if key, err = callback.ParseRSAPrivate([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, %v; want %s", key, err, want)
		}
	}
}
