package alipay

import (
	"crypto/md5" // names certificates, protects nothing
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/tillbell/tillbell/transport/callback"
)

// keyring is Alipay's public keys.
type keyring struct {
	all      []*rsa.PublicKey // each once
	bySerial map[string]*rsa.PublicKey
}

func newKeyring(publicKeys, certificates callback.List, minBits int) (keyring, error) {
	k := keyring{bySerial: make(map[string]*rsa.PublicKey)}
	for _, text := range publicKeys {
		key, err := parsePublicKey(text)
		if err == nil {
			err = checkSize(key, minBits)
		}
		if err != nil {
			return keyring{}, fmt.Errorf("alipay: public_key: %w", err)
		}
		k.add(key)
	}
	for i, text := range certificates {
		serial, key, err := parseCertificate(text)
		if err == nil {
			err = checkSize(key, minBits)
		}
		if err != nil {
			return keyring{}, fmt.Errorf("alipay: certificates[%d]: %w", i, err)
		}
		k.bySerial[serial] = key
		k.add(key)
	}
	if len(k.all) == 0 {
		return keyring{}, errors.New("alipay: public_key: set it to Alipay's public key, or certificates to Alipay's certificate")
	}
	return k, nil
}

func (k *keyring) add(key *rsa.PublicKey) {
	for _, have := range k.all {
		if have.Equal(key) {
			return
		}
	}
	k.all = append(k.all, key)
}

// candidates returns the keys that may have signed a notice with this alipay_cert_sn, or without one if it is empty.
// It is not ok if the serial is unknown.
func (k keyring) candidates(serial string) (keys []*rsa.PublicKey, ok bool) {
	if serial == "" {
		return k.all, true
	}
	key, ok := k.bySerial[serial]
	return []*rsa.PublicKey{key}, ok
}

func checkSize(key *rsa.PublicKey, minBits int) error {
	if n := key.N.BitLen(); n < minBits {
		return fmt.Errorf("the key has %d bits, %d are needed (RSA2: %d, sign_types: [RSA] alone: %d)", n, minBits, rsa2.bits, rsa1.bits)
	}
	return nil
}

// parsePublicKey reads an RSA key as PEM, or as the base64 of the DER that Alipay's console shows.
func parsePublicKey(text string) (*rsa.PublicKey, error) {
	der, kind, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == "CERTIFICATE":
		return nil, errors.New("this is a certificate; put it under certificates")
	case strings.Contains(kind, "PRIVATE"):
		return nil, errors.New("this is a private key; take Alipay's public key from the console")
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("this is not a public key")
	}
	if key, ok := key.(*rsa.PublicKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("this is a %T, not an RSA key", key)
}

// parsePrivateKey reads an RSA key in the same forms. Its errors do not depend on the key.
func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	der, _, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	return callback.ParseRSAPrivate(der)
}

// decodeKey returns the DER and, of PEM, the type of the first block.
func decodeKey(text string) (der []byte, kind string, err error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block.Bytes, block.Type, nil
	}
	der, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(der) == 0 {
		return nil, "", errors.New("this is neither PEM nor base64")
	}
	return der, "", nil
}

// parseCertificate reads the first certificate of a PEM text; those that follow are its chain.
func parseCertificate(text string) (serial string, key *rsa.PublicKey, err error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return "", nil, errors.New("this is not a PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", nil, errors.New("this is not an X.509 certificate")
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return "", nil, fmt.Errorf("the certificate has a %T, not an RSA key; download alipayCertPublicKey_RSA2.crt", cert.PublicKey)
	}
	return serialOf(cert), key, nil
}

// serialOf returns Alipay's name of a certificate, alipay_cert_sn: the MD5 of the issuer's name (RFC 2253, the most
// specific part first) followed by the decimal serial number, in lower-case hexadecimal.
func serialOf(cert *x509.Certificate) string {
	sum := md5.Sum([]byte(cert.Issuer.String() + cert.SerialNumber.String()))
	return hex.EncodeToString(sum[:])
}
