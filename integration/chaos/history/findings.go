package history

import "sync"

// Findings count violations and keep the first of each kind. The zero value is empty. Its methods may be called at the
// same time.
type Findings struct {
	mu     sync.Mutex
	counts [kinds]int
	first  [kinds][]Violation
}

// keep is how many violations of a kind are kept.
const keep = 10

// Add adds violations.
func (f *Findings) Add(all ...Violation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range all {
		f.counts[v.Kind]++
		if len(f.first[v.Kind]) < keep {
			f.first[v.Kind] = append(f.first[v.Kind], v)
		}
	}
}

// Merge adds what g has, which must not be f.
func (f *Findings) Merge(g *Findings) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for k := range kinds {
		f.counts[k] += g.counts[k]
		if room := keep - len(f.first[k]); room > 0 {
			f.first[k] = append(f.first[k], g.first[k][:min(room, len(g.first[k]))]...)
		}
	}
}

// Count returns how many violations there are of a kind.
func (f *Findings) Count(k Kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[k]
}

// Broken reports whether a guarantee is broken: whether there is any violation but Behind.
func (f *Findings) Broken() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, n := range f.counts {
		if Kind(k) != Behind && n > 0 {
			return true
		}
	}
	return false
}

// First returns the first violations of each kind.
func (f *Findings) First() []Violation {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Violation
	for _, some := range f.first {
		all = append(all, some...)
	}
	return all
}
