package wechatpay

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

// minKeyBits is the size that WECHATPAY2-SHA256-RSA2048 names.
const minKeyBits = 2048

// platformKey is one key of WeChat Pay's. A certificate's has a validity; a bare public key does not expire.
type platformKey struct {
	*rsa.PublicKey
	from, until time.Time
}

func (k platformKey) validAt(now time.Time) bool {
	return k.until.IsZero() || !now.Before(k.from) && !now.After(k.until)
}

// keyring holds the keys of both modes by what Wechatpay-Serial says: a public key's id or a certificate's serial.
type keyring map[string]platformKey

func (o Options) keyring() (keyring, error) {
	ring := make(keyring)
	for _, id := range slices.Sorted(maps.Keys(o.PublicKeys)) {
		key, err := parsePublicKey(o.PublicKeys[id])
		if err == nil && id == "" {
			err = errors.New("needs the key's id, PUB_KEY_ID_…")
		}
		if err != nil {
			return nil, fmt.Errorf("public_keys[%q]: %w", id, err)
		}
		ring[id] = platformKey{PublicKey: key}
	}
	for i, text := range o.Certificates {
		serial, key, err := parseCertificate(text)
		if _, twice := ring[serial]; err == nil && twice {
			err = fmt.Errorf("another key has the serial %s, too", serial)
		}
		if err != nil {
			return nil, fmt.Errorf("certificates[%d]: %w", i, err)
		}
		ring[serial] = key
	}
	if len(ring) == 0 {
		return nil, errors.New("public_keys or certificates: at least one key is needed to verify callbacks")
	}
	return ring, nil
}

func parsePublicKey(text string) (*rsa.PublicKey, error) {
	der, err := decodePEM(text, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is not a public key")
	}
	return checkRSA(key)
}

func parseCertificate(text string) (string, platformKey, error) {
	der, err := decodePEM(text, "CERTIFICATE")
	if err != nil {
		return "", platformKey{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", platformKey{}, errors.New("is not an X.509 certificate")
	}
	// The merchant's own certificate, whose subject is the merchant id, signs requests to WeChat Pay, never callbacks.
	if name := cert.Subject.CommonName; name != "" && strings.Trim(name, "0123456789") == "" {
		return "", platformKey{}, fmt.Errorf("is the API certificate of merchant %s, want WeChat Pay's platform certificate", name)
	}
	key, err := checkRSA(cert.PublicKey)
	if err != nil {
		return "", platformKey{}, err
	}
	return serial(cert.SerialNumber), platformKey{key, cert.NotBefore, cert.NotAfter}, nil
}

// serial writes a certificate's serial number as WeChat Pay does: upper-case hex, two digits a byte.
func serial(n *big.Int) string { return strings.ToUpper(hex.EncodeToString(n.Bytes())) }

func checkRSA(key any) (*rsa.PublicKey, error) {
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("is not an RSA key")
	}
	if bits := public.N.BitLen(); bits < minKeyBits {
		return nil, fmt.Errorf("has an RSA key of %d bits, at least %d are needed", bits, minKeyBits)
	}
	return public, nil
}

// decodePEM returns the content of the one block of PEM that text must be.
func decodePEM(text, kind string) ([]byte, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, fmt.Errorf("is not PEM, want a block %s", kind)
	case block.Type != kind:
		return nil, fmt.Errorf("is a PEM block %s, want %s", block.Type, kind)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, fmt.Errorf("holds more than one PEM block %s", kind)
	}
	return block.Bytes, nil
}
