package callback

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// CheckSecrets refuses texts that nobody means as a secret. The error names the setting and does not repeat a secret.
func CheckSecrets(setting string, secrets []string) error {
	for i, s := range secrets {
		if s == "" || strings.TrimSpace(s) != s {
			return fmt.Errorf("%s: number %d is empty or has white space around it", setting, i+1)
		}
	}
	return nil
}

// Secret is a key of HMAC-SHA256, or of HMAC with another hash, with what can be computed from it once. It may be used
// from many goroutines.
type Secret struct{ macs sync.Pool }

// mac is a computation under way. A hash takes bytes alone, so what is text passes through text.
type mac struct {
	hash.Hash
	text []byte
}

// NewSecret returns the Secret of the key, whose bytes may be changed afterwards.
func NewSecret(key []byte) *Secret { return NewSecretOf(sha256.New, key) }

// NewSecretOf returns the Secret of the key for HMAC with the hash.
func NewSecretOf(h func() hash.Hash, key []byte) *Secret {
	key = bytes.Clone(key)
	return &Secret{sync.Pool{New: func() any { return &mac{Hash: hmac.New(h, key)} }}}
}

// Sum returns the HMAC-SHA256 of head followed by body. The Secret must be one of NewSecret.
func (s *Secret) Sum(body []byte, head ...string) (sum [sha256.Size]byte) {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	m.Reset()
	m.write(head...)
	m.Write(body)
	m.text = m.Hash.Sum(m.text[:0])
	copy(sum[:], m.text)
	return sum
}

// Append appends the HMAC of head, body and tail, one behind the other, to sum.
func (s *Secret) Append(sum []byte, head []string, body []byte, tail []string) []byte {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	m.Reset()
	m.write(head...)
	m.Write(body)
	m.write(tail...)
	return m.Hash.Sum(sum)
}

func (m *mac) write(texts ...string) {
	m.text = m.text[:0]
	for _, t := range texts {
		m.text = append(m.text, t...)
	}
	m.Write(m.text)
}
