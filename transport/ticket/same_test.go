package ticket_test

import (
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/ticket"
)

// same fails unless Verify and the judge say the same of the ticket.
func same(t *testing.T, keys *ticket.Keys, j judge, token string) {
	t.Helper()
	if got, want := said(keys, token), j.verify(token); got != want {
		t.Errorf("ticket %s\nVerify says  %+v\ngo-jose says %+v", token, got, want)
	}
}

// What is plain and what is only nearly so, beside the tables of the other tests.
var (
	nearHeaders = []string{
		`{"alg":"HS256"}`, `{"alg":"HS256","kid":"k9","typ":"JWT","cty":"x"}`, " {\t\"alg\" :\r\n\"HS256\" } ",
		`{}`, `{"alg":"HS256",}`, `{,"alg":"HS256"}`, `{"alg":"HS256"}}`, `{"alg":"HS256"} x`, `{"alg" "HS256"}`, `{"alg":}`,
		`{"alg":"HS256" "typ":"JWT"}`, `{"alg":"HS256","typ":"JWT"`, `{"alg":"HS256","typ":"JWT`, `{alg:"HS256"}`,
		`{"alg":"HS256","typ":"JWT","typ":"JWT"}`, `{"alg":"HS256","Alg":"none"}`, `{"Alg":"HS256"}`, `{"alg":"HS256","":""}`,
		`{"alg":"HS\u0032\u0035\u0036"}`, `{"\u0061lg":"HS256"}`, `{"alg":"HS256","typ":null}`, `{"alg":"HS256","typ":7}`,
		`{"alg":"HS256","kid":null}`, `{"alg":"HS256","kid":""}`, `{"alg":"HS256","kid":["k"]}`, `{"alg":"HS256","kid":"\ud800"}`,
		`{"alg":"HS256","nonce":7}`, `{"alg":"HS256","nonce":"n"}`, `{"alg":"HS256","x5c":7}`, `{"alg":"HS256","x5c":["MA=="]}`,
		"{\"alg\":\"HS256\",\"kid\":\"\xff\"}", "{\"alg\":\"HS256\",\"kid\":\"\x01\"}", "{\"alg\":\"HS256\xff\"}",
		"\ufeff{\"alg\":\"HS256\"}", `{"alg":"HS256 "}`, `{"alg":"HS256","crit":""}`, `{"alg":"HS256","b64":true}`,
		`{"alg":"HS256","typ":"` + strings.Repeat("x", 3<<10) + `"}`,
	}
	nearClaims = []string{
		goodClaims,
		`{"aud":["tillbell"],"sub":"订单 1001","exp":1795000900,"iat":1795000000,"nbf":1795000000,"jti":"x","iss":"shop","ok":true,"no":false,"nil":null}`,
		`{"aud":[],"sub":"o","exp":1795000900}`, `{"aud":[ ],"sub":"o","exp":1795000900}`, `{"aud":["a" , "tillbell" ],"sub":"o","exp":1795000900}`,
		`{"aud":["tillbell",],"sub":"o","exp":1795000900}`, `{"aud":[,"tillbell"],"sub":"o","exp":1795000900}`, `{"aud":["tillbell" "a"],"sub":"o","exp":1795000900}`,
		`{"aud":["tillbell"],"sub":["o"],"exp":1795000900}`, `{"aud":["a]","tillbell"],"sub":"o","exp":1795000900}`, `{"aud":["tillbell"`, `{"aud":["tillbell`,
		`{"aud":[["tillbell"]],"sub":"o","exp":1795000900}`, `{"aud":["\"tillbell\""],"sub":"o","exp":1795000900}`, `{"aud":["xtillbell","tillbellx"],"sub":"o","exp":1795000900}`,
		`{"aud":"till\u0062ell","sub":"o","exp":1795000900}`, `{"aud":true,"sub":"o","exp":1795000900}`, `{"aud":7,"sub":"o","exp":1795000900}`,
		`{"aud":"tillbell","sub":true,"exp":1795000900}`, `{"aud":"tillbell","sub":"a\/b","exp":1795000900}`, `{"aud":"tillbell","sub":"a\u0062","exp":1795000900}`,
		"{\"aud\":\"tillbell\",\"sub\":\"a\tb\",\"exp\":1795000900}", "{\"aud\":\"tillbell\",\"sub\":\"a\x7fb\",\"exp\":1795000900}", "{\"aud\":\"tillbell\",\"sub\":\"a\u0085\",\"exp\":1795000900}",
		"{\"aud\":\"tillbell\",\"sub\":\"a\ufffd\",\"exp\":1795000900}", "{\"aud\":\"tillbell\",\"sub\":\"a\xed\xa0\x80\",\"exp\":1795000900}", "{\"aud\":\"tillbell\",\"x\xff\":1,\"sub\":\"o\",\"exp\":1795000900}",
		`{"aud":"tillbell","sub":"o","exp":1795000900,"":1}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"":1,"":1}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"exp ":1}`,
		`{"aud":"tillbell","sub":"o","exp":01795000900}`, `{"aud":"tillbell","sub":"o","exp":-0}`, `{"aud":"tillbell","sub":"o","exp":+1795000900}`, `{"aud":"tillbell","sub":"o","exp":0}`,
		`{"aud":"tillbell","sub":"o","exp":1795000900.}`, `{"aud":"tillbell","sub":"o","exp":1795000900.0}`, `{"aud":"tillbell","sub":"o","exp":1e9}`, `{"aud":"tillbell","sub":"o","exp":2E9}`, `{"aud":"tillbell","sub":"o","exp":2e+9}`,
		`{"aud":"tillbell","sub":"o","exp":253402300799}`, `{"aud":"tillbell","sub":"o","exp":253402300800}`, `{"aud":"tillbell","sub":"o","exp":999999999999999}`, `{"aud":"tillbell","sub":"o","exp":9999999999999999}`,
		`{"aud":"tillbell","sub":"o","exp":18446744073709551616}`, `{"aud":"tillbell","sub":"o","exp":1e-400}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"nbf":99999999999999999999999}`,
		`{"aud":"tillbell","sub":"o","exp":true}`, `{"aud":"tillbell","sub":"o","exp":[1795000900]}`, `{"aud":"tillbell","sub":"o","exp":["1"]}`, `{"aud":"tillbell","sub":"o","exp":0x7fffffff}`, `{"aud":"tillbell","sub":"o","exp":1_795_000_900}`,
		`{"aud":"tillbell","sub":"o","exp":NaN}`, `{"aud":"tillbell","sub":"o","exp":Infinity}`, `{"aud":"tillbell","sub":"o","exp":tru}`, `{"aud":"tillbell","sub":"o","exp":truex}`, `{"aud":"tillbell","sub":"o","exp":}`,
		`{"aud":"tillbell","sub":"o","exp":1795000900,"x":[1]}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"x":{"sub":"p","sub":"q"}}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"x":[{"a":1,"a":2}]}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"x":nul}`,
		`{"aud":"tillbell","sub":"o","exp":1795000900,"x":1795000900123456789}`, `{"aud":"tillbell","sub":"o","exp":1795000900,"x":0123}`, `{"aud":"tillbell","sub":"o","exp":1795000900}` + "\x00", `{"aud":"tillbell","sub":"o","exp":1795000900};`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"aud":"tillbell","sub":"o","exp":1795000900}`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"aud":"tillbell","sub":"o","exp":1795000900}`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"a":1,"aud":"tillbell","sub":"o","exp":1795000900}`,
		`{"aud":"tillbell","sub":"` + strings.Repeat("x", 4<<10) + `","exp":1795000900}`, `{}`, `{`, `"`, `[`, `7`, `""`, `nul`, ` `, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":7`, `{"a":7,`,
	}
)

// TestSameAsGoJose: every header with good claims and every claims under a good header, signed by each secret and by
// none, are accepted or refused as go-jose has it, for the same reason.
func TestSameAsGoJose(t *testing.T) {
	keys, j := judged(t), newJudge()
	for _, c := range headerCases() {
		same(t, keys, j, forge(c.header, goodClaims, c.sign))
	}
	claims := nearClaims
	for _, c := range claimCases() {
		claims = append(claims, c.claims)
	}
	for _, key := range []string{secret, olderSecret, wrongSecret, ""} {
		for _, header := range nearHeaders {
			same(t, keys, j, forge(header, goodClaims, hs256(key)))
		}
		for _, c := range claims {
			same(t, keys, j, forge(hsHeader, c, hs256(key)))
		}
	}
}

// TestSameBytes changes every byte of a ticket into others: the unused bits of a last base64 digit, other alphabets,
// padding, dots and line breaks among them.
func TestSameBytes(t *testing.T) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	keys, j := judged(t), newJudge()
	for _, pad := range []string{"", " ", "  "} { // base64 digits of no, four and two unused bits
		good := forge(`{"alg":"HS256"}`+pad, goodClaims+pad, hs256(secret))
		for i := range good {
			others := "A+/=. \r\n\x00\xff"
			if i+1 == len(good) || good[i+1] == '.' {
				others += digits
			}
			for _, c := range []byte(others) {
				same(t, keys, j, good[:i]+string([]byte{c})+good[i+1:])
			}
			same(t, keys, j, good[:i]+good[i+1:])
			same(t, keys, j, good[:i]+"A"+good[i:])
			same(t, keys, j, good[:i]+"\n"+good[i:])
			same(t, keys, j, good[:i])
		}
	}
}

// TestPlain: what Mint and the JWT libraries of other languages write takes the short way, and what is only nearly so
// does not.
func TestPlain(t *testing.T) {
	keys := judged(t)
	for _, c := range []struct{ header, claims string }{
		{hsHeader, goodClaims},
		{`{"typ":"JWT","alg":"HS256"}`, `{"aud":"tillbell","exp":1795000061,"iat":1795000000,"sub":"order-1001"}`},
		{`{"alg": "HS256", "typ": "JWT"}`, `{"aud": ["shop", "tillbell"], "sub": "订单", "exp": 1795000900, "nbf": 1, "admin": false}`},
		{`{"alg":"HS256","kid":"2026-11","cty":"x"}`, " {\r\n\t\"aud\" : \"tillbell\" , \"sub\" : \"o\" , \"exp\" : 1795000900 } "},
	} {
		if token := forge(c.header, c.claims, hs256(olderSecret)); !keys.IsPlain(token) {
			t.Errorf("%s %s is not plain", c.header, c.claims)
		}
	}
	if !keys.IsPlain(mint(t, keys)) {
		t.Error("what Mint mints is not plain")
	}
	for _, c := range []struct{ header, claims string }{
		{`{"alg":"HS256","crit":["exp"]}`, goodClaims},
		{`{"alg":"HS256","alg":"HS256"}`, goodClaims},
		{`{"alg":"HS512"}`, goodClaims},
		{hsHeader, `{"aud":"tillbell","sub":"a\u0062","exp":1795000900}`},
		{hsHeader, `{"aud":"tillbell","sub":"o","exp":1.7950009e9}`},
		{hsHeader, goodClaims + " x"},
	} {
		if token := forge(c.header, c.claims, hs256(secret)); keys.IsPlain(token) {
			t.Errorf("%s %s is plain", c.header, c.claims)
		}
	}
}

// TestNamedSecret: a kid of the JWKS is looked up there, where no secret can be.
func TestNamedSecret(t *testing.T) {
	keys := mustNew(t, ticket.Options{Secret: secret, JWKS: jwks(jwk(private().ec.Public(), "ours", "", ""))})
	if keys.IsPlain(forge(`{"alg":"HS256","kid":"ours"}`, goodClaims, hs256(secret))) {
		t.Error("a secret answers to the kid of a public key")
	}
	check(t, keys, forge(`{"alg":"HS256","kid":"ours"}`, goodClaims, hs256(secret)), "no key")
	check(t, keys, forge(`{"alg":"HS256","kid":"other"}`, goodClaims, hs256(secret)), fine)
}

// TestClaimsStay: what one verification returned does not change with the next.
func TestClaimsStay(t *testing.T) {
	keys := judged(t)
	first, err := keys.Verify(forge(hsHeader, goodClaims, hs256(secret)), now)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		check(t, keys, forge(hsHeader, strings.Replace(goodClaims, "order-1001", "ORDER-9999", 1), hs256(secret)), fine)
	}
	if first.Payment != "order-1001" {
		t.Errorf("payment = %q", first.Payment)
	}
}

// FuzzSameAsGoJose signs a header and claims, and then changes one byte.
func FuzzSameAsGoJose(f *testing.F) {
	keys, j := judged(f), newJudge()
	for _, header := range nearHeaders {
		f.Add(header, goodClaims, uint16(0), byte(0))
	}
	for _, claims := range nearClaims {
		f.Add(hsHeader, claims, uint16(0), byte(0))
	}
	f.Add(hsHeader, goodClaims, uint16(35), byte('B'))
	f.Fuzz(func(t *testing.T, header, claims string, at uint16, c byte) {
		token := forge(header, claims, hs256(secret))
		if c != 0 {
			i := int(at) % len(token)
			token = token[:i] + string([]byte{c}) + token[i+1:]
		}
		same(t, keys, j, token)
	})
}
