package standard

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tillbell/tillbell/transport/callback"
)

// The prefixes of keys as text.
const (
	secretPrefix  = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// The specification's bounds of a secret, in bytes.
const minSecret, maxSecret = 24, 64

// maxSignatures bounds the work that a stranger can cause. Rotations need two or three.
const maxSignatures = 20

// maxPublic bounds how many of them are checked with public keys, each of which costs fifty times an HMAC.
const maxPublic = 4

var strict = base64.StdEncoding.Strict()

// keys are those of one sender. The two kinds have types of their own, so that a public key, which anybody may know,
// never keys an HMAC.
type keys struct {
	secrets []*callback.Secret
	public  []ed25519.PublicKey
}

func readKeys(o Options) (keys, error) {
	var k keys
	if len(o.Secrets) == 0 && len(o.PublicKeys) == 0 {
		return k, errors.New("set secrets (whsec_…) or public_keys (whpk_…)")
	}
	for i, text := range o.Secrets {
		s, err := readSecret(text)
		if err != nil {
			return k, fmt.Errorf("secrets: number %d %w", i+1, err)
		}
		k.secrets = append(k.secrets, s)
	}
	for i, text := range o.PublicKeys {
		key, err := readPublic(text)
		if err != nil {
			return k, fmt.Errorf("public_keys: number %d %w", i+1, err)
		}
		k.public = append(k.public, key)
	}
	return k, nil
}

// The errors complete the sentence "number 2 …" and never repeat the key.

func readSecret(text string) (*callback.Secret, error) {
	if strings.HasPrefix(text, publicPrefix) || strings.HasPrefix(text, privatePrefix) {
		return nil, errors.New("is an Ed25519 key: its whpk_… half belongs in public_keys")
	}
	s, err := strict.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil {
		return nil, errors.New("is not base64 after whsec_")
	}
	if len(s) < minSecret || len(s) > maxSecret {
		return nil, fmt.Errorf("has %d bytes, the specification wants %d to %d", len(s), minSecret, maxSecret)
	}
	return callback.NewSecret(s), nil
}

func readPublic(text string) (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(text, publicPrefix)
	if !ok {
		return nil, errors.New("does not start with whpk_")
	}
	key, err := strict.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("is not base64 of %d bytes after whpk_", ed25519.PublicKeySize)
	}
	return key, nil
}

// readPrivate takes the 64 bytes of seed and public key, or the seed alone.
func readPrivate(text string) (ed25519.PrivateKey, error) {
	key, err := strict.DecodeString(strings.TrimPrefix(text, privatePrefix))
	if err == nil && len(key) == ed25519.SeedSize {
		return ed25519.NewKeyFromSeed(key), nil
	}
	if err != nil || len(key) != ed25519.PrivateKeySize ||
		!bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key) {
		return nil, errors.New("key is not a whsk_… private key")
	}
	return key, nil
}

// message is what both kinds of signature are over.
type message struct {
	id, stamp string
	body      []byte
}

// text returns the message as one, for signatures that cannot be computed in parts.
func (m message) text() []byte {
	text := make([]byte, 0, len(m.id)+len(m.stamp)+len(m.body)+2)
	text = append(text, m.id...)
	text = append(text, '.')
	text = append(text, m.stamp...)
	text = append(text, '.')
	return append(text, m.body...)
}

// version1 begins the item that an HMAC is in the signature header.
const version1 = "v1,"

// item is the whole of it: version1 and the base64 of the HMAC.
type item [len(version1) + (sha256.Size+2)/3*4]byte

// sign returns the item of the message.
func sign(s *callback.Secret, m message) (i item) {
	sum := s.Sum(m.body, m.id, ".", m.stamp, ".")
	strict.Encode(i[copy(i[:], version1):], sum[:])
	return i
}

// is compares in constant time. Comparing the encoded texts allows no other spelling of the same bytes.
func (i item) is(text string) bool {
	var given item
	return len(text) == len(given) && copy(given[:], text) == len(given) && hmac.Equal(given[:], i[:])
}

// verify accepts m if one of the signatures, "version,base64" parted by spaces, is by one of the keys. Versions it
// does not know, and those it has no keys for, count for nothing.
func (k keys) verify(m message, signatures string) *callback.Refusal {
	if n := strings.Count(signatures, " ") + 1; n > maxSignatures {
		return callback.Refuse(callback.BadSignature, fmt.Sprintf("%d signatures, at most %d are tried", n, maxSignatures))
	}
	for _, s := range k.secrets {
		want := sign(s, m)
		for text := range strings.SplitSeq(signatures, " ") {
			if want.is(text) {
				return nil
			}
		}
	}
	if len(k.public) != 0 && k.signed(m, signatures) {
		return nil
	}
	return callback.Refuse(callback.BadSignature, "no signature is by one of the configured keys: compare secrets and "+
		"public_keys with the sender's, and see that nothing on the way changes the body")
}

// signed reports whether one of the first maxPublic Ed25519 signatures is by one of the public keys.
func (k keys) signed(m message, signatures string) bool {
	whole, tried := m.text(), 0
	for text := range strings.SplitSeq(signatures, " ") {
		encoded, ok := strings.CutPrefix(text, "v1a,")
		if !ok || tried == maxPublic {
			continue
		}
		tried++
		signature, err := callback.Base64(encoded)
		if err != nil || len(encoded) != strict.EncodedLen(ed25519.SignatureSize) {
			continue
		}
		for _, key := range k.public {
			if ed25519.Verify(key, whole, signature) {
				return true
			}
		}
	}
	return false
}
