package callback

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// Secret is a key of HMAC-SHA256 with what can be computed from it once. It may be used from many goroutines.
type Secret struct{ macs sync.Pool }

// mac is a computation under way. A hash takes bytes alone, so what is text passes through head.
type mac struct {
	hash.Hash
	head []byte
}

// NewSecret returns the Secret of the key, whose bytes may be changed afterwards.
func NewSecret(key []byte) *Secret {
	key = bytes.Clone(key)
	return &Secret{sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

// Sum returns the HMAC of head followed by body.
func (s *Secret) Sum(body []byte, head ...string) (sum [sha256.Size]byte) {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	m.Reset()
	m.head = m.head[:0]
	for _, text := range head {
		m.head = append(m.head, text...)
	}
	m.Write(m.head)
	m.Write(body)
	m.head = m.Sum(m.head[:0])
	copy(sum[:], m.head)
	return sum
}
