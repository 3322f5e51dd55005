package scheme

import (
	"hash/maphash"
	"sync"
)

// maxRepeats is how many bodies are remembered, at some 200 bytes each.
const maxRepeats = 1 << 13

// Repeats remembers under which id a signed body came first, where the id is in a header that is not signed: who has seen
// one callback could otherwise post it under any number of ids, each of which would be stored and told. A provider that
// posts the same body under two ids says the same twice. When there are too many, the oldest is forgotten.
type Repeats struct {
	seed maphash.Seed

	mu    sync.Mutex
	ids   map[uint64]string
	order []uint64 // of the bodies in ids; from next on the oldest first, once there are maxRepeats
	next  int
}

// NewRepeats returns what remembers nothing yet. It may be used from many goroutines.
func NewRepeats() *Repeats { return &Repeats{seed: maphash.MakeSeed(), ids: make(map[uint64]string)} }

// First returns the id under which the body came first, which is id if it does now. The body must be proven.
func (s *Repeats) First(body []byte, id string) string {
	sum := maphash.Bytes(s.seed, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.ids[sum]; ok {
		return first
	}
	s.ids[sum] = id
	if len(s.order) < maxRepeats {
		s.order = append(s.order, sum)
		return id
	}
	delete(s.ids, s.order[s.next])
	s.order[s.next] = sum
	s.next = (s.next + 1) % maxRepeats
	return id
}
