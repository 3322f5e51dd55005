package hmac

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// Signer posts what a sender with the same settings would. It may be used from many goroutines.
type Signer struct{ provider *Provider }

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first of o's secrets if key is empty. The error names the
// setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	if key != "" {
		o.Secrets = []string{key}
	}
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Signer{p}, nil
}

// Throwaway returns the settings of a sender with fresh secrets, which suffice to sign.
func Throwaway() (Options, string, error) {
	return Options{
		Secrets:   scheme.FreshSecrets(""),
		Signature: Signature{Header: "X-Signature", Separator: ",", Item: "v1"},
		Signed:    "{timestamp}.{body}",
		Timestamp: Timestamp{Item: "t"},
	}, "", nil
}

// Sign returns the callback that says n, signed at the time at.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	r, err := s.sign(n, at)
	if err != nil {
		return r, fmt.Errorf("hmac: sign: %w", err)
	}
	return r, nil
}

func (s *Signer) sign(n callback.Notification, at time.Time) (callback.Request, error) {
	object, err := s.provider.format.Write(n, at)
	if err != nil {
		return callback.Request{}, err
	}
	h := http.Header{"Content-Type": {"application/json"}}
	for _, name := range s.provider.headers {
		h.Set(name, rand.Text())
	}
	if err := s.provider.id.Put(h, object, cmp.Or(n.ID, "evt_"+rand.Text())); err != nil {
		return callback.Request{}, err
	}
	body, err := json.Marshal(object)
	if err != nil {
		return callback.Request{}, err
	}
	return callback.NewPost(h, body), s.provider.verifier.Sign(h, body, at)
}
