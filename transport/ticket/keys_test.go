package ticket_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/ticket"
)

func block(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestNewRefuses(t *testing.T) {
	p := private()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	pkcs8, pkcs8Err := x509.MarshalPKCS8PrivateKey(p.ed)
	sec1, sec1Err := x509.MarshalECPrivateKey(p.ec)

	pems := func(texts ...string) ticket.Options { return ticket.Options{PublicKeys: texts} }
	set := func(keys ...string) ticket.Options { return ticket.Options{JWKS: jwks(keys...)} }
	for name, c := range map[string]struct {
		o    ticket.Options
		want []string
	}{
		"nothing":            {ticket.Options{}, []string{"none", "tickets.secret"}},
		"short secret":       {ticket.Options{Secret: secret[:31]}, []string{"tickets.secret ", "31 bytes", "32"}},
		"short older secret": {ticket.Options{Secret: secret, Secrets: []string{olderSecret, "short"}}, []string{"tickets.secrets", "entry 2", "5 bytes"}},
		"empty older secret": {ticket.Options{Secret: secret, Secrets: []string{""}}, []string{"tickets.secrets", "0 bytes"}},
		"PEM as a secret":    {ticket.Options{Secret: publicPEM(p.rsa.Public())}, []string{"tickets.secret ", "PEM"}},
		"not PEM":            {pems("ssh-ed25519 AAAA"), []string{"tickets.public_keys", "entry 1", "not PEM"}},
		"empty PEM":          {pems(""), []string{"not PEM"}},
		"PEM and more":       {pems(publicPEM(p.ed.Public()) + "more"), []string{"not PEM"}},
		"second entry":       {pems(publicPEM(p.ed.Public()), "x"), []string{"entry 2"}},
		"bad DER":            {pems(block("PUBLIC KEY", []byte("x"), nil)), []string{"not a public key"}},
		"private key":        {pems(block("PRIVATE KEY", pkcs8, pkcs8Err)), []string{"private key", "openssl"}},
		"private EC key":     {pems(block("EC PRIVATE KEY", sec1, sec1Err)), []string{"private key"}},
		"private RSA key":    {pems(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(p.rsa), nil)), []string{"private key"}},
		"private behind":     {pems(publicPEM(p.ed.Public()) + block("PRIVATE KEY", pkcs8, nil)), []string{"private key"}},
		"certificate":        {pems(block("CERTIFICATE", []byte("x"), nil)), []string{"certificate", "openssl"}},
		"parameters":         {pems(block("EC PARAMETERS", []byte("x"), nil)), []string{"EC PARAMETERS"}},
		"P-384":              {pems(publicPEM(p384.Public())), []string{"P-384", "P-256"}},
		"X25519":             {pems(publicPEM(x25519.PublicKey())), []string{"unknown type"}},
		"RSA of 1024 bits":   {pems(publicPEM(small)), []string{"1024 bits", "2048"}},

		"JWKS of nonsense":     {ticket.Options{JWKS: []byte("x")}, []string{"tickets.jwks_file", "not a JWK Set"}},
		"JWKS a key":           {ticket.Options{JWKS: []byte(jwk(p.ec.Public(), "", "", ""))}, []string{"no key"}},
		"JWKS empty":           {set(), []string{"no key"}},
		"JWKS only enc":        {set(jwk(p.rsa.Public(), "", "", "enc")), []string{"no key"}},
		"JWKS oct":             {set(jwk([]byte(secret), "", "", "")), []string{"key 1", "oct", "tickets.secret"}},
		"JWKS oct for enc":     {set(jwk([]byte(secret), "", "", "enc")), []string{"oct"}},
		"JWKS private Ed25519": {set(jwk(p.ed, "", "", "")), []string{"private key"}},
		"JWKS private EC":      {set(jwk(p.ec.Public(), "", "", ""), jwk(p.ec, "", "", "")), []string{"key 2", "private key"}},
		"JWKS private RSA":     {set(jwk(p.rsa, "", "", "")), []string{"private key"}},
		"JWKS P-384":           {set(jwk(p384.Public(), "", "", "")), []string{"P-384"}},
		"JWKS RSA 1024":        {set(jwk(small, "", "", "")), []string{"1024"}},
		"JWKS unknown kty":     {set(`{"kty":"XYZ"}`), []string{"unknown type"}},
		"JWKS X25519":          {set(`{"kty":"OKP","crv":"X25519","x":"` + b64(secret) + `"}`), []string{"unknown type"}},
		"JWKS no kty":          {set(`{"kid":"a"}`), []string{"key 1", "not a usable JWK"}},
		"JWKS point off curve": {set(`{"kty":"EC","crv":"P-256","x":"` + b64(secret) + `","y":"` + b64(secret) + `"}`), []string{"not a usable JWK"}},
		"JWKS kid twice":       {set(`{"kty":"EC","kid":"a","kid":"b"}`), []string{"twice"}},
		"JWKS alg of another":  {set(jwk(p.ec.Public(), "", "RS256", "")), []string{`"RS256"`, "ES256"}},
		"JWKS PS256":           {set(jwk(p.rsa.Public(), "", "PS256", "")), []string{`"PS256"`, "RS256"}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := ticket.New(c.o)
			if err == nil {
				t.Fatalf("accepted: %v", keys.CanMint())
			}
			if !strings.HasPrefix(err.Error(), "ticket: read keys: ") {
				t.Errorf("error %q has no prefix", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), secret[:8]) || strings.Contains(err.Error(), b64(secret)[:8]) {
				t.Errorf("error %q has a secret", err)
			}
		})
	}
}

func TestPEMForms(t *testing.T) {
	p := private()
	text := "# of the shop\n" + block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&p.rsa.PublicKey), nil) + "\n\n" +
		strings.ReplaceAll(publicPEM(p.ed.Public()), "\n", "\r\n")
	keys := mustNew(t, ticket.Options{PublicKeys: []string{text}})
	check(t, keys, forge(`{"alg":"RS256"}`, goodClaims, rs256(p.rsa)), fine)
	check(t, keys, forge(`{"alg":"EdDSA"}`, goodClaims, eddsa(p.ed)), fine)
	if keys.CanMint() {
		t.Error("CanMint without a secret")
	}
}

func TestKeyID(t *testing.T) {
	p := private()
	keys := mustNew(t, ticket.Options{
		Secret: secret,
		JWKS: jwks(
			jwk(p.ec.Public(), "ours", "ES256", "sig"),
			jwk(p.other.Public(), "theirs", "", ""),
			jwk(p.rsa.Public(), "enc", "RSA-OAEP", "enc"),
			`{"kty":"XYZ","use":"enc"}`,
			`{"kty":"XYZ","key_ops":["wrapKey"]}`,
			jwk(p.ed.Public(), "", "EdDSA", ""),
			jwk(p.ec.Public(), "both", "", ""),
			jwk(p.ed.Public(), "both", "", ""),
		),
	})
	for name, c := range map[string]struct {
		header string
		sign   sign
		want   string
	}{
		"its own":                  {`{"alg":"ES256","kid":"ours"}`, es256(p.ec), fine},
		"another's":                {`{"alg":"ES256","kid":"theirs"}`, es256(p.ec), "signature"},
		"unknown":                  {`{"alg":"ES256","kid":"x"}`, es256(p.ec), fine},
		"unknown, the second key":  {`{"alg":"ES256","kid":"x"}`, es256(p.other), fine},
		"none":                     {`{"alg":"ES256"}`, es256(p.other), fine},
		"empty":                    {`{"alg":"ES256","kid":""}`, es256(p.other), fine},
		"null":                     {`{"alg":"ES256","kid":null}`, es256(p.other), fine},
		"of another type":          {`{"alg":"EdDSA","kid":"ours"}`, eddsa(p.ed), "no key"},
		"HS256 with a key's":       {`{"alg":"HS256","kid":"ours"}`, hs256(secret), "no key"},
		"of a key for encryption":  {`{"alg":"RS256","kid":"enc"}`, rs256(p.rsa), "no key"},
		"of two keys, the first":   {`{"alg":"ES256","kid":"both"}`, es256(p.ec), fine},
		"of two keys, the second":  {`{"alg":"EdDSA","kid":"both"}`, eddsa(p.ed), fine},
		"of two keys, a third key": {`{"alg":"ES256","kid":"both"}`, es256(p.other), "signature"},
		"a key without one":        {`{"alg":"EdDSA"}`, eddsa(p.ed), fine},
	} {
		t.Run(name, func(t *testing.T) { check(t, keys, forge(c.header, goodClaims, c.sign), c.want) })
	}
}

func TestRotation(t *testing.T) {
	before := mustNew(t, ticket.Options{Secret: olderSecret})
	during := mustNew(t, ticket.Options{Secret: secret, Secrets: []string{olderSecret}})
	after := mustNew(t, ticket.Options{Secret: secret})
	old, fresh := mint(t, before), mint(t, during)

	check(t, during, old, fine)
	check(t, during, fresh, fine)
	check(t, after, fresh, fine)
	check(t, after, old, "signature")
	check(t, before, fresh, "signature")

	list := mustNew(t, ticket.Options{Secrets: []string{secret, olderSecret}})
	check(t, after, mint(t, list), fine)
}

func mint(t *testing.T, keys *ticket.Keys) string {
	t.Helper()
	token, err := keys.Mint("order-1001", now.Add(time.Minute), now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestMintRefuses(t *testing.T) {
	p := private()
	keys := mustNew(t, ticket.Options{Secret: secret})
	public := mustNew(t, ticket.Options{PublicKeys: []string{publicPEM(p.ed.Public())}})
	if keys.CanMint() == public.CanMint() {
		t.Error("CanMint does not tell a secret from a public key")
	}
	later := now.Add(time.Minute)
	for name, c := range map[string]struct {
		keys    *ticket.Keys
		payment string
		expires time.Time
		want    string
	}{
		"no secret":        {public, "o", later, "tickets.secret is not set"},
		"no payment":       {keys, "", later, "payment id is empty"},
		"a long payment":   {keys, strings.Repeat("x", 129), later, "129 bytes"},
		"expires now":      {keys, "o", now, "expired already"},
		"expired":          {keys, "o", now.Add(-time.Hour), "expired already"},
		"never":            {keys, "o", time.Time{}, "expired already"},
		"in the year 9999": {keys, "o", time.Date(9999, 12, 31, 23, 59, 59, 1, time.UTC), "year 9999"},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := c.keys.Mint(c.payment, c.expires, now)
			if err == nil || token != "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Mint = %q, %v, want %q", token, err, c.want)
			}
		})
	}
}

// What Mint mints is what a merchant's backend would, by hand, byte for byte.
func TestMintForm(t *testing.T) {
	token := mint(t, mustNew(t, ticket.Options{Secret: secret}))
	want := forge(`{"alg":"HS256","typ":"JWT"}`,
		`{"aud":"tillbell","exp":1795000061,"iat":1795000000,"sub":"order-1001"}`, hs256(secret))
	if token != want {
		t.Errorf("Mint = %s\nwant   %s", token, want)
	}
}

func TestMintVerify(t *testing.T) {
	keys := mustNew(t, ticket.Options{Secret: secret, Secrets: []string{olderSecret}})
	payments := rapid.OneOf(
		rapid.StringN(1, -1, relay.MaxPaymentID),
		rapid.StringMatching(`[a-zA-Z0-9/%?#&+=<>"'\\ .~_-]{1,128}`),
		rapid.SampledFrom([]string{"...", "~", "%2F", "\ufffd", `\ud800`, "\u2028", "订单", "😀", `","sub":"x`}),
	).Filter(func(s string) bool { return relay.CheckPayment(s) == nil })
	rapid.Check(t, func(t *rapid.T) {
		payment := payments.Draw(t, "payment")
		life := time.Duration(rapid.Int64Range(1, int64(100*365*24*time.Hour)).Draw(t, "life"))
		expires := now.Add(life)
		token, err := keys.Mint(payment, expires, now)
		if err != nil {
			t.Fatal(err)
		}
		claims, err := keys.Verify(token, expires.Add(-1))
		if err != nil {
			t.Fatalf("%q: %v", payment, err)
		}
		if claims.Payment != payment {
			t.Fatalf("payment %q came back as %q", payment, claims.Payment)
		}
		if over := claims.Expires.Sub(expires); over < 0 || over >= time.Second {
			t.Fatalf("expires %v off", over)
		}
		if _, err := keys.Verify(token, claims.Expires); err != ticket.ErrExpired {
			t.Fatalf("at its exp: %v", err)
		}
	})
}

func TestConcurrent(t *testing.T) {
	p := private()
	keys := mustNew(t, all())
	tokens := []string{
		forge(`{"alg":"EdDSA"}`, goodClaims, eddsa(p.ed)),
		forge(`{"alg":"RS256"}`, goodClaims, rs256(p.rsa)),
		forge(`{"alg":"ES256"}`, goodClaims, es256(p.ec)),
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				minted, err := keys.Mint("order-1001", now.Add(time.Minute), now)
				if err != nil {
					t.Error(err)
				}
				for _, token := range append(tokens, minted) {
					if _, err := keys.Verify(token, now); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkVerify(b *testing.B) {
	p := private()
	keys := mustNew(b, all())
	for _, c := range []struct {
		alg  string
		sign sign
	}{{"HS256", hs256(secret)}, {"EdDSA", eddsa(p.ed)}, {"ES256", es256(p.ec)}, {"RS256", rs256(p.rsa)}} {
		token := forge(`{"alg":"`+c.alg+`","typ":"JWT"}`, goodClaims, c.sign)
		b.Run(c.alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Verify(token, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMint(b *testing.B) {
	keys := mustNew(b, ticket.Options{Secret: secret})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.Mint("order-1001", now.Add(time.Minute), now); err != nil {
			b.Fatal(err)
		}
	}
}
