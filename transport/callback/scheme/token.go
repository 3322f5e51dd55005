package scheme

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Token declares a proof by a static token, which says who calls and nothing about what is said: whoever sees one call
// can make others. The connection must be TLS.
type Token struct {
	// Header has the token, once.
	Header string
}

type tokens struct {
	header, keysName string
	keys             []string
	hashes           [][sha256.Size]byte // equally long, so that comparing does not tell how long a token is
}

func (t Token) proof(s Settings) (proof, error) {
	if err := checkKeys(s); err != nil {
		return nil, err
	}
	v := &tokens{header: t.Header, keysName: s.KeysName, keys: s.Keys}
	for _, key := range s.Keys {
		v.hashes = append(v.hashes, sha256.Sum256([]byte(key)))
	}
	return v, nil
}

func (v *tokens) Verify(r callback.Request, _ time.Time) *callback.Refusal {
	value, refusal := callback.Header(r.Header, v.header)
	if refusal != nil {
		return refusal
	}
	given, found := sha256.Sum256([]byte(value)), 0
	for i := range v.hashes {
		found |= subtle.ConstantTimeCompare(given[:], v.hashes[i][:])
	}
	if found == 0 {
		return callback.Refuse(callback.BadSignature, v.header+" is none of the configured "+v.keysName)
	}
	return nil
}

func (v *tokens) Sign(h http.Header, _ []byte, _ time.Time) error {
	h.Set(v.header, v.keys[0])
	return nil
}
