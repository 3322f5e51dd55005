package scheme

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// Signer posts what the provider would. It may be used from many goroutines.
type Signer struct {
	about  callback.About
	proof  proof
	format *format
}

var _ callback.Signer = (*Signer)(nil)

// NewSigner returns a Signer that signs with key, or with the first key of o if key is empty. The error names the setting
// to change.
func (s *Scheme[O]) NewSigner(o O, key string) (*Signer, error) {
	set := o.Settings()
	if key != "" {
		set.Keys = []string{key}
	}
	proof, format, err := s.build(set)
	if err != nil {
		return nil, err
	}
	return &Signer{about: s.About, proof: proof, format: format}, nil
}

// Sign returns the callback that says n, signed at the time at.
func (s *Signer) Sign(n callback.Notification, at time.Time) (callback.Request, error) {
	r, err := s.sign(n, at)
	if err != nil {
		return r, fmt.Errorf("%s: sign: %w", s.about.Name, err)
	}
	return r, nil
}

func (s *Signer) sign(n callback.Notification, at time.Time) (callback.Request, error) {
	n = n.Filled(s.about.Currency, at)
	h := http.Header{"Content-Type": {"application/json"}}
	for name, example := range s.format.Headers {
		h.Set(name, example)
	}
	body, err := s.format.write(h, n)
	if err != nil {
		return callback.Request{}, err
	}
	err = s.proof.Sign(h, body, at)
	return callback.NewPost(h, body), err
}

// Prove sets the headers that prove body, signed at the time at, for callbacks that say what no Notification can.
func (s *Signer) Prove(h http.Header, body []byte, at time.Time) error {
	return s.proof.Sign(h, body, at)
}

// saying returns the first kind that can say the status, and with which words.
func (f *format) saying(status relay.Status) (k *Kind, name, word string, err error) {
	said := make(map[relay.Status]bool)
	for i := range f.kinds {
		k := &f.kinds[i]
		for _, m := range k.Types {
			if m.Status == status && status != "" {
				return k, m.Name, m.Word, nil
			}
			said[m.Status] = true
			if m.Status != "" {
				continue
			}
			for _, w := range k.Words {
				if w.Status == status {
					return k, m.Name, w.Name, nil
				}
				said[w.Status] = true
			}
		}
	}
	delete(said, "")
	var have []string
	for s := range said {
		have = append(have, string(s))
	}
	slices.Sort(have)
	if len(have) == 0 {
		return nil, "", "", fmt.Errorf("the provider has no callbacks about payments")
	}
	return nil, "", "", fmt.Errorf("no callback tells the status %q; there are some for %s", status, strings.Join(have, ", "))
}

// write returns the body that says n and sets the headers that do.
func (f *format) write(h http.Header, n callback.Notification) ([]byte, error) {
	k, name, word, err := f.saying(n.Status)
	if err != nil {
		return nil, err
	}
	amount, err := f.units(k, n.Amount, n.Currency)
	if err != nil {
		return nil, err
	}
	w := writer{header: h, example: k.Example}
	d := json.NewDecoder(strings.NewReader(k.Example))
	d.UseNumber() // ids have more digits than a float
	if err := d.Decode(&w.object); err != nil {
		return nil, fmt.Errorf("the example of %s: %w", name, err)
	}
	w.put(At(k.Transaction), w.like(At(k.Transaction), n.TransactionID, n.Payment))
	w.put(At(k.Refund), w.like(At(k.Refund), "", n.ID))
	w.put(f.ID, w.like(f.ID, n.ID, ""))
	w.time(f.Time, n.Time)
	w.put(f.Type, name)
	if f.TypeEcho != "" {
		h.Set(f.TypeEcho, name)
	}
	if word != "" {
		w.put(At(k.Word), word)
	}
	w.put(At(k.Amount), amount)
	w.put(At(k.Currency), n.Currency)
	w.put(At(cmp.Or(f.payment, k.Payment[0])), n.Payment)
	if len(f.account) > 0 {
		w.put(f.Account, f.account[0])
	}
	if w.err != nil {
		return nil, w.err
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(w.object); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}
