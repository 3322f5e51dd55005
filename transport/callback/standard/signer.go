package standard

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/money"
)

// Signer posts what a sender with the same settings would. It may be used from many goroutines.
type Signer struct {
	format  format
	secret  *callback.Secret
	private ed25519.PrivateKey // instead of secret
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that uses key: whsk_… for Ed25519, or else an HMAC secret. Without a key it uses the
// first of o's secrets. The error names the setting to change.
func NewSigner(o Options, key string) (*Signer, error) {
	f, err := readFormat(o)
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

// Throwaway returns settings with a fresh secret, which suffices to sign.
func Throwaway() (Options, string, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails
	return Options{Secrets: []string{secretPrefix + strict.EncodeToString(fresh)}}, "", nil
}

// Sign returns the callback that says n, signed at the time at. Equal notifications with an ID give equal callbacks.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	body, err := s.format.write(n, at)
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

// write is the inverse of read.
func (f *format) write(n callback.Notification, at time.Time) ([]byte, error) {
	word, err := f.word(n.Status)
	if err != nil {
		return nil, err
	}
	currency := cmp.Or(n.Currency, "EUR")
	var amount any = cmp.Or(n.Amount, "129.00")
	if !f.major {
		minor, err := money.ToMinor(cmp.Or(n.Amount, "129.00"), currency)
		if err != nil {
			return nil, err
		}
		amount = json.Number(minor)
	}
	when := n.Time
	if when.IsZero() {
		when = at
	}
	payment := cmp.Or(n.Payment, "order-1001")
	root := make(map[string]any)
	for _, field := range []struct {
		path  string
		value any
	}{
		{typePath, "payment." + string(n.Status)}, // the status's own path overwrites it, mostly with the same
		{timePath, when.UTC().Format(time.RFC3339Nano)},
		{transactionPath, cmp.Or(n.TransactionID, "pay_"+payment)},
		{f.fields.Status, word},
		{f.fields.Amount, amount},
		{f.fields.Currency, currency},
		{f.fields.Payment, payment},
	} {
		if err := callback.Place(root, field.path, field.value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(root)
}

// word returns the first of the sender's words for a status, in the order of the alphabet.
func (f *format) word(status relay.Status) (string, error) {
	known := make(map[string]bool)
	for _, word := range slices.Sorted(maps.Keys(f.statuses)) {
		if f.statuses[word] == status {
			return word, nil
		}
		known[string(f.statuses[word])] = true
	}
	return "", fmt.Errorf("no word of statuses means %q; there are words for %s", status,
		strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}
