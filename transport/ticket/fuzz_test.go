package ticket_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/ticket"
)

// FuzzVerify feeds tokens nobody signed, and the same header and claims signed with a secret, which gets the input
// behind the signature check.
func FuzzVerify(f *testing.F) {
	keys := mustNew(f, all())
	f.Add(forge(hsHeader, goodClaims, hs256(wrongSecret)), hsHeader, goodClaims)
	f.Add("", `{"alg":"HS256","kid":"a","jwk":{"kty":"RSA","n":"AQ","e":"AQAB"}}`, `{"aud":["tillbell"],"sub":"\ud800"}`)
	f.Add("..", `{"alg":"HS256","crit":null,"x5c":["MA=="]}`, `{"aud":"tillbell","sub":"o","exp":1e10,"nbf":-1.5}`)
	f.Add(`{"payload":"","signature":""}`, `{"alg":"none"}`, `null`)
	f.Fuzz(func(t *testing.T, token, header, claims string) {
		if _, err := keys.Verify(token, now); !errors.Is(err, ticket.ErrInvalid) {
			t.Fatalf("a token nobody signed: %v", err)
		}
		got, err := keys.Verify(forge(header, claims, hs256(secret)), now)
		switch {
		case err == nil:
			if relay.CheckPayment(got.Payment) != nil || !got.Expires.After(now) || hasCrit(header) {
				t.Fatalf("header %q, claims %q: %+v", header, claims, got)
			}
		case err != ticket.ErrExpired && !errors.Is(err, ticket.ErrInvalid):
			t.Fatalf("error of no kind: %v", err)
		}
	})
}

func hasCrit(header string) bool {
	var members map[string]any
	_ = json.Unmarshal([]byte(header), &members)
	_, ok := members["crit"]
	return ok
}
