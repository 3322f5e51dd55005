package ticket_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tillbell/tillbell/transport/ticket"
)

const (
	hsHeader = `{"alg":"HS256","typ":"JWT"}`
	fine     = "" // the ticket is accepted
	expired  = "ticket: expired"
)

func check(t *testing.T, keys *ticket.Keys, token, want string) {
	t.Helper()
	claims, err := keys.Verify(token, now)
	switch {
	case want == fine && err != nil:
		t.Fatalf("refused: %v", err)
	case want == fine:
		if claims.Payment == "" || !claims.Expires.After(now) {
			t.Errorf("claims = %+v", claims)
		}
		return
	case err == nil:
		t.Fatalf("accepted, want %q", want)
	case claims != ticket.Claims{}:
		t.Errorf("claims beside an error: %+v", claims)
	case want == expired && !errors.Is(err, ticket.ErrExpired), want != expired && !errors.Is(err, ticket.ErrInvalid):
		t.Errorf("error %q is of the wrong kind", err)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q", err, want)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			t.Errorf("error %q has a part of the ticket", err)
		}
	}
}

func TestClaims(t *testing.T) {
	keys := mustNew(t, ticket.Options{Secret: secret})
	for name, c := range claimCases() {
		t.Run(name, func(t *testing.T) { check(t, keys, forge(hsHeader, c.claims, hs256(secret)), c.want) })
	}
}

type claimCase struct{ claims, want string }

func claimCases() map[string]claimCase {
	return map[string]claimCase{
		"good":                     {goodClaims, fine},
		"aud in a list":            {`{"aud":["shop","tillbell"],"sub":"o","exp":1795000900}`, fine},
		"other claims":             {`{"aud":"tillbell","sub":"o","exp":1795000900,"iss":7,"jti":null,"x":{"sub":"p"}}`, fine},
		"iat in the future":        {`{"aud":"tillbell","sub":"o","exp":1795000900,"iat":1795000800}`, fine},
		"iat of nonsense":          {`{"aud":"tillbell","sub":"o","exp":1795000900,"iat":"yesterday"}`, fine},
		"no aud":                   {`{"sub":"o","exp":1795000900}`, "aud"},
		"aud empty":                {`{"aud":"","sub":"o","exp":1795000900}`, "aud"},
		"aud empty list":           {`{"aud":[],"sub":"o","exp":1795000900}`, "aud"},
		"aud null":                 {`{"aud":null,"sub":"o","exp":1795000900}`, "invalid"},
		"aud of another":           {`{"aud":"shop","sub":"o","exp":1795000900}`, "aud"},
		"aud in other case":        {`{"aud":"Tillbell","sub":"o","exp":1795000900}`, "aud"},
		"aud as a part":            {`{"aud":"tillbell tillbell2","sub":"o","exp":1795000900}`, "aud"},
		"aud an object":            {`{"aud":{"tillbell":1},"sub":"o","exp":1795000900}`, "malformed"},
		"aud a mixed list":         {`{"aud":["tillbell",1],"sub":"o","exp":1795000900}`, "malformed"},
		"no sub":                   {`{"aud":"tillbell","exp":1795000900}`, "sub"},
		"sub empty":                {`{"aud":"tillbell","sub":"","exp":1795000900}`, "sub"},
		"sub a number":             {`{"aud":"tillbell","sub":1001,"exp":1795000900}`, "malformed"},
		"sub null":                 {`{"aud":"tillbell","sub":null,"exp":1795000900}`, "invalid"},
		"sub dots":                 {`{"aud":"tillbell","sub":"..","exp":1795000900}`, "sub"},
		"sub with a control":       {`{"aud":"tillbell","sub":"a\u0000b","exp":1795000900}`, "sub"},
		"sub of 128 bytes":         {`{"aud":"tillbell","sub":"` + strings.Repeat("x", 128) + `","exp":1795000900}`, fine},
		"sub of 129 bytes":         {`{"aud":"tillbell","sub":"` + strings.Repeat("x", 129) + `","exp":1795000900}`, "sub"},
		"sub not UTF-8":            {"{\"aud\":\"tillbell\",\"sub\":\"a\xff\",\"exp\":1795000900}", "malformed"},
		"sub half a pair":          {`{"aud":"tillbell","sub":"a\uD800","exp":1795000900}`, "malformed"},
		"sub a whole pair":         {`{"aud":"tillbell","sub":"a\ud83d\ude00","exp":1795000900}`, fine},
		"sub U+FFFD":               {`{"aud":"tillbell","sub":"a\ufffd","exp":1795000900}`, fine},
		"sub in other case":        {`{"aud":"tillbell","Sub":"o","exp":1795000900}`, "sub"},
		"no exp":                   {`{"aud":"tillbell","sub":"o"}`, "exp"},
		"exp null":                 {`{"aud":"tillbell","sub":"o","exp":null}`, "invalid"},
		"exp a string":             {`{"aud":"tillbell","sub":"o","exp":"1795000900"}`, "malformed"},
		"exp in milliseconds":      {`{"aud":"tillbell","sub":"o","exp":1795000900000}`, "malformed"},
		"exp far too large":        {`{"aud":"tillbell","sub":"o","exp":1e400}`, "malformed"},
		"exp the last":             {`{"aud":"tillbell","sub":"o","exp":253402300799}`, fine},
		"exp with an exponent":     {`{"aud":"tillbell","sub":"o","exp":1.7950009e9}`, fine},
		"exp negative":             {`{"aud":"tillbell","sub":"o","exp":-1}`, expired},
		"exp zero":                 {`{"aud":"tillbell","sub":"o","exp":0}`, expired},
		"exp past":                 {`{"aud":"tillbell","sub":"o","exp":1794999999}`, expired},
		"exp half a second ago":    {`{"aud":"tillbell","sub":"o","exp":1795000000}`, expired},
		"exp this instant":         {`{"aud":"tillbell","sub":"o","exp":1795000000.5}`, expired},
		"exp in a quarter second":  {`{"aud":"tillbell","sub":"o","exp":1795000000.75}`, fine},
		"expired, of another":      {`{"aud":"shop","sub":"o","exp":1}`, "aud"},
		"nbf past":                 {`{"aud":"tillbell","sub":"o","exp":1795000900,"nbf":1}`, fine},
		"nbf at the leeway":        {`{"aud":"tillbell","sub":"o","exp":1795000900,"nbf":1795000030.5}`, fine},
		"nbf beyond the leeway":    {`{"aud":"tillbell","sub":"o","exp":1795000900,"nbf":1795000030.75}`, "nbf"},
		"nbf a string":             {`{"aud":"tillbell","sub":"o","exp":1795000900,"nbf":"1"}`, "malformed"},
		"nbf null":                 {`{"aud":"tillbell","sub":"o","exp":1795000900,"nbf":null}`, "malformed"},
		"sub twice":                {`{"aud":"tillbell","sub":"o","sub":"p","exp":1795000900}`, "malformed"},
		"sub twice, one escaped":   {`{"aud":"tillbell","sub":"o","\u0073ub":"p","exp":1795000900}`, "malformed"},
		"exp twice":                {`{"aud":"tillbell","sub":"o","exp":1,"exp":1795000900}`, "malformed"},
		"an unknown claim twice":   {`{"aud":"tillbell","sub":"o","exp":1795000900,"x":1,"x":1}`, "malformed"},
		"empty":                    {``, "malformed"},
		"null":                     {`null`, "aud"},
		"a list":                   {`[` + goodClaims + `]`, "malformed"},
		"two objects":              {goodClaims + goodClaims, "malformed"},
		"an unfinished object":     {goodClaims[:len(goodClaims)-1], "malformed"},
		"white space around it":    {" \r\n" + goodClaims + "\n", fine},
		"a byte order mark before": {"\ufeff" + goodClaims, "malformed"},
	}
}

func TestHeader(t *testing.T) {
	keys := mustNew(t, all())
	for name, c := range headerCases() {
		t.Run(name, func(t *testing.T) { check(t, keys, forge(c.header, goodClaims, c.sign), c.want) })
	}
}

type headerCase struct {
	header string
	sign   sign
	want   string
}

func headerCases() map[string]headerCase {
	p := private()
	return map[string]headerCase{
		"HS256":                     {hsHeader, hs256(secret), fine},
		"EdDSA":                     {`{"alg":"EdDSA"}`, eddsa(p.ed), fine},
		"ES256":                     {`{"alg":"ES256"}`, es256(p.ec), fine},
		"RS256":                     {`{"alg":"RS256"}`, rs256(p.rsa), fine},
		"wrong secret":              {hsHeader, hs256(wrongSecret), "signature"},
		"wrong key":                 {`{"alg":"ES256"}`, es256(p.other), "signature"},
		"no signature":              {hsHeader, unsigned, "signature"},
		"none":                      {`{"alg":"none"}`, unsigned, "no key"},
		"None":                      {`{"alg":"None"}`, unsigned, "no key"},
		"none, signed":              {`{"alg":"none"}`, hs256(secret), "no key"},
		"no alg":                    {`{"typ":"JWT"}`, hs256(secret), "no key"},
		"alg null":                  {`{"alg":null}`, hs256(secret), "no key"},
		"alg empty":                 {`{"alg":""}`, hs256(secret), "no key"},
		"alg a list":                {`{"alg":["HS256"]}`, hs256(secret), "header"},
		"alg in lower case":         {`{"alg":"hs256"}`, hs256(secret), "no key"},
		"HS512":                     {`{"alg":"HS512"}`, hs256(secret), "no key"},
		"PS256":                     {`{"alg":"PS256"}`, rs256(p.rsa), "no key"},
		"ES384":                     {`{"alg":"ES384"}`, es256(p.ec), "no key"},
		"Ed25519 by RFC 9864":       {`{"alg":"Ed25519"}`, eddsa(p.ed), "no key"},
		"HS256 with the Ed25519":    {hsHeader, hs256(publicPEM(p.ed.Public())), "signature"},
		"HS256 with the P-256":      {hsHeader, hs256(publicPEM(p.ec.Public())), "signature"},
		"HS256 with the RSA":        {hsHeader, hs256(publicPEM(p.rsa.Public())), "signature"},
		"HS256 with the trimmed":    {hsHeader, hs256(strings.TrimSpace(publicPEM(p.rsa.Public()))), "signature"},
		"HS256 with the raw key":    {hsHeader, hs256(string(p.ed[32:])), "signature"},
		"HS256 with nothing":        {hsHeader, hs256(""), "signature"},
		"ES256 signed by RSA":       {`{"alg":"ES256"}`, rs256(p.rsa), "signature"},
		"ES256 of zeros":            {`{"alg":"ES256"}`, func([]byte) []byte { return make([]byte, 64) }, "signature"},
		"crit":                      {`{"alg":"HS256","crit":["exp"]}`, hs256(secret), "crit"},
		"crit that go-jose knows":   {`{"alg":"HS256","crit":["b64"],"b64":true}`, hs256(secret), "crit"},
		"crit empty":                {`{"alg":"HS256","crit":[]}`, hs256(secret), "crit"},
		"crit null":                 {`{"alg":"HS256","crit":null}`, hs256(secret), "crit"},
		"crit an object":            {`{"alg":"HS256","crit":{}}`, hs256(secret), "crit"},
		"b64 false":                 {`{"alg":"HS256","b64":false}`, hs256(secret), "b64"},
		"alg twice":                 {`{"alg":"none","alg":"HS256"}`, hs256(secret), "header"},
		"crit twice, one escaped":   {`{"alg":"HS256","\u0063rit":["exp"]}`, hs256(secret), "crit"},
		"kid nobody has":            {`{"alg":"HS256","kid":"k9"}`, hs256(secret), fine},
		"kid a number":              {`{"alg":"HS256","kid":9}`, hs256(secret), "header"},
		"another typ":               {`{"alg":"HS256","typ":"at+jwt","cty":"x"}`, hs256(secret), fine},
		"header a list":             {`[]`, hs256(secret), "header"},
		"header null":               {`null`, hs256(secret), "no key"},
		"header empty":              {``, hs256(secret), "header"},
		"jku and x5u":               {`{"alg":"HS256","jku":"https://evil.test/","x5u":"https://evil.test/"}`, hs256(secret), fine},
		"jwk of another, our key":   {`{"alg":"ES256","jwk":` + jwk(p.other.Public(), "", "", "") + `}`, es256(p.ec), fine},
		"jwk of another, their key": {`{"alg":"ES256","jwk":` + jwk(p.other.Public(), "", "", "") + `}`, es256(p.other), "signature"},
		"jwk a secret":              {`{"alg":"HS256","jwk":{"kty":"oct","k":"` + b64(wrongSecret) + `"}}`, hs256(wrongSecret), "malformed"},
	}
}

// An algorithm without a key of its type is refused, whatever the ticket is signed with.
func TestAlgorithmNeedsKey(t *testing.T) {
	p := private()
	public := mustNew(t, ticket.Options{PublicKeys: []string{publicPEM(p.rsa.Public())}})
	for _, key := range []string{publicPEM(p.rsa.Public()), secret, ""} {
		check(t, public, forge(hsHeader, goodClaims, hs256(key)), "no key")
	}
	check(t, public, forge(`{"alg":"RS256"}`, goodClaims, rs256(p.rsa)), fine)

	secrets := mustNew(t, ticket.Options{Secret: secret})
	check(t, secrets, forge(`{"alg":"RS256"}`, goodClaims, rs256(p.rsa)), "no key")
}

func TestForm(t *testing.T) {
	keys := mustNew(t, ticket.Options{Secret: secret})
	good := forge(hsHeader, goodClaims, hs256(secret))
	parts := strings.Split(good, ".")
	long := func(n int) string { // a good ticket of n bytes, or one less
		pad := (n - len(good)) * 3 / 4
		return forge(hsHeader, goodClaims+strings.Repeat(" ", pad), hs256(secret))
	}
	for name, c := range map[string]struct{ token, want string }{
		"good":              {good, fine},
		"empty":             {"", "compact"},
		"dots":              {"..", "header"},
		"two parts":         {parts[0] + "." + parts[1], "compact"},
		"four parts":        {good + ".", "compact"},
		"five parts":        {good + ".a.b", "compact"},
		"payload detached":  {parts[0] + ".." + parts[2], "signature"},
		"no signature":      {parts[0] + "." + parts[1] + ".", "signature"},
		"signature cut":     {good[:len(good)-4], "signature"},
		"signature longer":  {good + "AAAA", "signature"},
		"padded":            {good + "=", "malformed"},
		"standard alphabet": {parts[0] + "." + parts[1] + ".++++" + parts[2], "malformed"},
		"line break inside": {good[:20] + "\n" + good[20:], "compact"},
		"line break after":  {good + "\r\n", "compact"},
		"space before":      {" " + good, "compact"},
		"Bearer before":     {"Bearer " + good, "compact"},
		"JSON, flattened": {fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
			"compact"},
		"JSON, with dots": {fmt.Sprintf(`{"payload":%q,"x":"..","signatures":[{"protected":%q,"signature":%q}]}`,
			parts[1], parts[0], parts[2]), "compact"},
		"of 8 KiB":   {long(8 << 10), fine},
		"over 8 KiB": {long(8<<10 + 4), "8 KiB"},
		"megabytes":  {strings.Repeat("a", 4<<20), "8 KiB"},
	} {
		t.Run(name, func(t *testing.T) { check(t, keys, c.token, c.want) })
	}
}

// The example of RFC 7515, appendix A.1: its signature holds, and it is not for this program.
func TestRFC7515(t *testing.T) {
	const example = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	const key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	keys := mustNew(t, ticket.Options{Secret: string(raw)})
	check(t, keys, example, "aud")
	check(t, keys, strings.Replace(example, "eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Ei", 1), "signature")
	check(t, keys, forge("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", goodClaims, hs256(string(raw))), fine)
}

// Every changed character makes a ticket invalid, but for the unused bits of a last base64 digit.
func TestTampered(t *testing.T) {
	keys := mustNew(t, ticket.Options{Secret: secret})
	good := forge(hsHeader, goodClaims, hs256(secret))
	for i := range good {
		if good[i] == '.' || i+1 == len(good) || good[i+1] == '.' {
			continue
		}
		other := byte('A')
		if good[i] == other {
			other = 'B'
		}
		if _, err := keys.Verify(good[:i]+string(other)+good[i+1:], now); !errors.Is(err, ticket.ErrInvalid) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

// What go-jose signs is accepted as well, with each algorithm.
func TestSignedByGoJose(t *testing.T) {
	p := private()
	keys := mustNew(t, all())
	for _, key := range []jose.SigningKey{
		{Algorithm: jose.HS256, Key: []byte(secret)},
		{Algorithm: jose.EdDSA, Key: p.ed},
		{Algorithm: jose.ES256, Key: p.ec},
		{Algorithm: jose.RS256, Key: p.rsa},
	} {
		for _, embed := range []bool{false, true} {
			signer, err := jose.NewSigner(key, &jose.SignerOptions{EmbedJWK: embed})
			if err != nil {
				t.Fatal(err)
			}
			token, err := jwt.Signed(signer).Claims(jwt.Claims{
				Audience:  jwt.Audience{"shop", "tillbell"},
				Subject:   "订单 1001",
				Expiry:    jwt.NewNumericDate(now.Add(time.Minute)),
				NotBefore: jwt.NewNumericDate(now),
			}).Serialize()
			if err != nil {
				t.Fatal(err)
			}
			claims, err := keys.Verify(token, now)
			if err != nil || claims.Payment != "订单 1001" {
				t.Errorf("%s: %+v, %v", key.Algorithm, claims, err)
			}
		}
	}
}

// Expires keeps the fraction.
func TestExpires(t *testing.T) {
	keys := mustNew(t, ticket.Options{Secret: secret})
	token := forge(hsHeader, `{"aud":"tillbell","sub":"o","exp":1795000900.25}`, hs256(secret))
	claims, err := keys.Verify(token, now)
	if want := time.Unix(1795000900, 250_000_000); err != nil || !claims.Expires.Equal(want) {
		t.Errorf("Expires = %v, %v, want %v", claims.Expires, err, want)
	}
}
