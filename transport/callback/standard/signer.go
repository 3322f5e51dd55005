package standard

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/format"
)

// Signer posts what a sender with the same settings would. It may be used from many goroutines.
type Signer struct {
	format  *format.Format
	secret  *callback.Secret
	private ed25519.PrivateKey // instead of secret
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that uses key: whsk_… for Ed25519, or else an HMAC secret. Without a key it uses the
// first of o's secrets. The error names the setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	f, err := format.New(o.Options)
	if err != nil {
		return nil, fmt.Errorf("standard: %w", err)
	}
	s := &Signer{format: f}
	if strings.HasPrefix(key, privatePrefix) {
		if s.private, err = readPrivate(key); err != nil {
			return nil, fmt.Errorf("standard: %w", err)
		}
		return s, nil
	}
	if key == "" && len(o.Secrets) == 0 {
		return nil, fmt.Errorf("standard: to sign, give the private key (whsk_…) or set secrets")
	}
	if key == "" {
		key = o.Secrets[0]
	}
	if s.secret, err = readSecret(key); err != nil {
		return nil, fmt.Errorf("standard: the signing key %w", err)
	}
	return s, nil
}

// Throwaway returns settings with fresh secrets, which suffice to sign: one, and the one before it.
func Throwaway() (Options, string, error) {
	var o Options
	for range 2 {
		fresh := make([]byte, 32)
		rand.Read(fresh) // never fails
		o.Secrets = append(o.Secrets, secretPrefix+strict.EncodeToString(fresh))
	}
	return o, "", nil
}

// Sign returns the callback that says n, signed at the time at. Equal notifications with an ID give equal callbacks.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	object, err := s.format.Write(n, at)
	if err != nil {
		return callback.Request{}, fmt.Errorf("standard: sign: %w", err)
	}
	body, err := json.Marshal(object)
	if err != nil {
		return callback.Request{}, fmt.Errorf("standard: sign: %w", err)
	}
	id := cmp.Or(n.ID, "msg_"+rand.Text())
	stamp := strconv.FormatInt(at.Unix(), 10)
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", stamp)
	header.Set("Webhook-Signature", s.sign(message{id, stamp, body}))
	return callback.NewPost(header, body), nil
}

func (s *Signer) sign(m message) string {
	if s.private != nil {
		return "v1a," + strict.EncodeToString(ed25519.Sign(s.private, m.text()))
	}
	i := sign(s.secret, m)
	return string(i[:])
}
