package ticket

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tillbell/tillbell/relay"
)

// MinSecret is the length of the shortest secret, in bytes: an HS256 key must not be shorter than its hash
// (RFC 7518, section 3.2).
const MinSecret = 32

// Options are the keys that tickets may be signed with. At least one is needed.
type Options struct {
	// Secret signs what Mint mints, and verifies. It has at least MinSecret bytes, which are used as they are.
	Secret string
	// Secrets are older ones that verify still. Without Secret the first of them signs.
	Secrets []string
	// PublicKeys are PEM blocks, one or several in each text: PUBLIC KEY (Ed25519, P-256, RSA of 2048 bits or more)
	// or RSA PUBLIC KEY.
	PublicKeys []string
	// JWKS is the content of a JWK Set (RFC 7517) of public keys of the same types. Keys for another use than
	// signatures are skipped.
	JWKS []byte
}

// Keys mint and verify tickets. They never change and may be used from many goroutines.
type Keys struct {
	signer jose.Signer // nil without a secret
	hs256  *hs256      // nil without a secret
	fits   map[jose.SignatureAlgorithm]*keyring
	named  map[string]map[jose.SignatureAlgorithm]*keyring // by kid, of the JWKS
}

// keyring is the keys of one algorithm, as go-jose takes them: parsed once, and boxed once.
type keyring struct {
	algorithm []jose.SignatureAlgorithm // the only one
	keys      []any
}

// New reads the keys. Its errors say which setting is wrong and never repeat one.
func New(o Options) (*Keys, error) {
	k := &Keys{
		fits:  make(map[jose.SignatureAlgorithm]*keyring),
		named: make(map[string]map[jose.SignatureAlgorithm]*keyring),
	}
	if err := k.addSecrets(o.Secret, o.Secrets); err != nil {
		return nil, fmt.Errorf("ticket: read keys: %w", err)
	}
	for i, text := range o.PublicKeys {
		if err := k.addPEM(text); err != nil {
			return nil, fmt.Errorf("ticket: read keys: tickets.public_keys: entry %d: %w", i+1, err)
		}
	}
	if len(o.JWKS) > 0 {
		if err := k.addJWKS(o.JWKS); err != nil {
			return nil, fmt.Errorf("ticket: read keys: tickets.jwks_file: %w", err)
		}
	}
	if len(k.fits) == 0 {
		return nil, errors.New("ticket: read keys: there are none; " +
			"set tickets.secret, tickets.public_keys or tickets.jwks_file")
	}
	return k, nil
}

func (k *Keys) addSecrets(first string, older []string) error {
	var secrets [][]byte
	if first != "" {
		if err := checkSecret(first); err != nil {
			return fmt.Errorf("tickets.secret %w", err)
		}
		secrets = append(secrets, []byte(first))
	}
	for i, secret := range older {
		if err := checkSecret(secret); err != nil {
			return fmt.Errorf("tickets.secrets: entry %d %w", i+1, err)
		}
		secrets = append(secrets, []byte(secret))
	}
	if len(secrets) == 0 {
		return nil
	}
	for _, secret := range secrets {
		k.add(jose.HS256, secret, "")
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secrets[0]},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return fmt.Errorf("tickets.secret: %w", err)
	}
	k.signer, k.hs256 = signer, newHS256(secrets)
	return nil
}

func checkSecret(secret string) error {
	if len(secret) < MinSecret {
		return fmt.Errorf("has %d bytes, at least %d are needed", len(secret), MinSecret)
	}
	// Whoever knows a public key could sign with it if it were taken for a secret.
	if strings.Contains(secret, "-----BEGIN ") {
		return errors.New("is PEM; public keys belong in tickets.public_keys")
	}
	return nil
}

// add files a key that fits alg, and under its kid unless that is empty.
func (k *Keys) add(alg jose.SignatureAlgorithm, key any, kid string) {
	put(k.fits, alg, key)
	if kid == "" {
		return
	}
	if k.named[kid] == nil {
		k.named[kid] = make(map[jose.SignatureAlgorithm]*keyring)
	}
	put(k.named[kid], alg, key)
}

func put(rings map[jose.SignatureAlgorithm]*keyring, alg jose.SignatureAlgorithm, key any) {
	if rings[alg] == nil {
		rings[alg] = &keyring{algorithm: []jose.SignatureAlgorithm{alg}}
	}
	rings[alg].keys = append(rings[alg].keys, key)
}

// isNamed reports whether the JWKS has keys with the kid.
func (k *Keys) isNamed(kid []byte) bool {
	_, ok := k.named[string(kid)]
	return ok
}

// candidates returns the keys that a ticket with this header may be signed with: those of the kid where the JWKS has
// it, else all that fit; nil if there are none.
func (k *Keys) candidates(alg jose.SignatureAlgorithm, kid string) *keyring {
	if rings, ok := k.named[kid]; ok {
		return rings[alg]
	}
	return k.fits[alg]
}

// CanMint reports whether there is a secret to sign with.
func (k *Keys) CanMint() bool { return k.signer != nil }

// Mint returns a ticket for the payment, signed with HS256. Its exp is expires, rounded up to a whole second: a ticket
// never lives shorter than asked. It is an error if there is no secret, if the payment fails relay.CheckPayment, or
// if expires is not after now.
func (k *Keys) Mint(payment string, expires, now time.Time) (string, error) {
	if k.signer == nil {
		return "", errors.New("ticket: mint: tickets.secret is not set, and public keys cannot sign")
	}
	if err := relay.CheckPayment(payment); err != nil {
		return "", fmt.Errorf("ticket: mint: %w", err)
	}
	if !expires.After(now) {
		return "", errors.New("ticket: mint: it would have expired already")
	}
	if whole := expires.Truncate(time.Second); whole.Before(expires) {
		expires = whole.Add(time.Second)
	}
	if expires.Unix() > maxDate {
		return "", errors.New("ticket: mint: it would expire after the year 9999")
	}
	token, err := jwt.Signed(k.signer).Claims(jwt.Claims{
		Audience: jwt.Audience{audience},
		Subject:  payment,
		Expiry:   jwt.NewNumericDate(expires),
		IssuedAt: jwt.NewNumericDate(now),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("ticket: mint: %w", err)
	}
	return token, nil
}
