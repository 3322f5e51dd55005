package ticket_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tillbell/tillbell/transport/ticket"
)

// What follows signs by RFC 7515 with the standard library alone, so that a mistake shared by Mint and Verify shows.

const (
	secret      = "0123456789abcdef0123456789abcdef"
	olderSecret = "fedcba9876543210fedcba9876543210"
	wrongSecret = "wrong wrong wrong wrong wrong wrong wrong"
)

// The time of all tests, with a fraction, as clocks have.
var now = time.Unix(1_795_000_000, 500_000_000)

const goodClaims = `{"aud":"tillbell","sub":"order-1001","exp":1795000900}`

type sign func(input []byte) []byte

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func forge(header, claims string, s sign) string {
	input := b64(header) + "." + b64(claims)
	return input + "." + b64(string(s([]byte(input))))
}

func hs256(key string) sign {
	return func(input []byte) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(input)
		return mac.Sum(nil)
	}
}

func eddsa(key ed25519.PrivateKey) sign {
	return func(input []byte) []byte { return ed25519.Sign(key, input) }
}

func es256(key *ecdsa.PrivateKey) sign {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			panic(err)
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	}
}

func rs256(key *rsa.PrivateKey) sign {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		out, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return out
	}
}

func unsigned([]byte) []byte { return nil }

type privateKeys struct {
	ed    ed25519.PrivateKey
	ec    *ecdsa.PrivateKey
	rsa   *rsa.PrivateKey
	other *ecdsa.PrivateKey // nobody trusts it
}

// private holds one key of each type; they are generated once.
var private = sync.OnceValue(func() privateKeys {
	_, ed, err1 := ed25519.GenerateKey(rand.Reader)
	ec, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err3 := rsa.GenerateKey(rand.Reader, 2048)
	other, err4 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			panic(err)
		}
	}
	return privateKeys{ed, ec, rs, other}
})

func publicPEM(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func jwks(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func jwk(key any, kid, alg, use string) string {
	out, err := jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: alg, Use: use}.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(out)
}

func mustNew(t testing.TB, o ticket.Options) *ticket.Keys {
	t.Helper()
	keys, err := ticket.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// all is Options with a key for every algorithm.
func all() ticket.Options {
	p := private()
	return ticket.Options{
		Secret: secret,
		PublicKeys: []string{
			publicPEM(p.ed.Public()),
			publicPEM(p.ec.Public()) + publicPEM(p.rsa.Public()),
		},
	}
}
