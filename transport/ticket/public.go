package ticket

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// minRSA is the size of the smallest RSA key, in bits (RFC 7518, section 3.3).
const minRSA = 2048

// fit returns the one algorithm that tickets signed with the key may name.
func fit(public any) (jose.SignatureAlgorithm, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return jose.EdDSA, nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return "", fmt.Errorf("is on the curve %s; of elliptic-curve keys only P-256 and Ed25519 are supported",
				key.Params().Name)
		}
		return jose.ES256, nil
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA {
			return "", fmt.Errorf("is an RSA key of %d bits, at least %d are needed", bits, minRSA)
		}
		return jose.RS256, nil
	default:
		return "", errors.New("is of an unknown type; Ed25519, P-256 and RSA are supported")
	}
}

func (k *Keys) addPEM(text string) error {
	rest := []byte(text)
	for n := 0; ; n++ {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			if n == 0 || len(bytes.TrimSpace(rest)) > 0 {
				return errors.New("is not PEM: -----BEGIN PUBLIC KEY----- and so on")
			}
			return nil
		}
		public, err := parseBlock(block)
		if err != nil {
			return err
		}
		alg, err := fit(public)
		if err != nil {
			return err
		}
		k.add(alg, public, "")
	}
}

func parseBlock(block *pem.Block) (public any, err error) {
	switch {
	case block.Type == "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("is a private key; give the public one (openssl pkey -pubout)")
	case block.Type == "CERTIFICATE":
		return nil, errors.New("is a certificate; give its public key (openssl x509 -pubkey -noout)")
	default:
		return nil, fmt.Errorf("is PEM of the type %.40q; PUBLIC KEY is needed", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("is not a public key: %w", err)
	}
	return public, nil
}

func (k *Keys) addJWKS(content []byte) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return errors.New("is not a JWK Set: not a JSON object with the list keys")
	}
	usable := 0
	for i, raw := range set.Keys {
		key, skip, err := parseJWK(raw)
		if err != nil {
			return fmt.Errorf("key %d %w", i+1, err)
		}
		if skip {
			continue
		}
		alg, err := fit(key.Key)
		if err != nil {
			return fmt.Errorf("key %d %w", i+1, err)
		}
		if key.Algorithm != "" && key.Algorithm != string(alg) {
			return fmt.Errorf("key %d is for the algorithm %.20q; keys of its type are used with %s", i+1,
				key.Algorithm, alg)
		}
		k.add(alg, key.Key, key.KeyID)
		usable++
	}
	if usable == 0 {
		return errors.New("has no key that verifies signatures")
	}
	return nil
}

// parseJWK reads one public key. Those meant for something else than signatures are skipped before they are parsed,
// because sets of identity providers hold encryption keys of types that are unknown here.
func parseJWK(raw []byte) (key jose.JSONWebKey, skip bool, err error) {
	var meant struct {
		Kty string          `json:"kty"`
		Use string          `json:"use"`
		Ops []string        `json:"key_ops"`
		D   json.RawMessage `json:"d"`
	}
	if err := json.Unmarshal(raw, &meant); err != nil {
		return key, false, errors.New("is not a JWK: not a JSON object with kty, or a member occurs twice")
	}
	switch {
	case meant.Kty == "oct":
		return key, false, errors.New("is a secret (oct); secrets belong in tickets.secret")
	case meant.D != nil:
		return key, false, errors.New("is a private key; give the public one, without d")
	case meant.Use != "" && meant.Use != "sig", len(meant.Ops) > 0 && !slices.Contains(meant.Ops, "verify"):
		return key, true, nil
	}
	switch err := key.UnmarshalJSON(raw); {
	case errors.Is(err, jose.ErrUnsupportedKeyType):
		_, err = fit(nil)
		return key, false, err
	case err != nil:
		return key, false, fmt.Errorf("is not a usable JWK: %w", err)
	}
	return key, false, nil
}
