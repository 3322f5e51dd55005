package callback

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// An origin is the part of the network that a call comes from, as its limits tell them apart: a /24 of IPv4, a /56 of
// IPv6. That is what one sender can easily have many addresses of, and what a provider's own senders are close together in.
// It is a hash that nobody outside can foresee.
type origin uint64

var originSeed = maphash.MakeSeed()

// origin returns where r comes from. All that have no address are one.
func (rt *Route) origin(r *http.Request) origin {
	addr := rt.opts.Address(r).Unmap().WithZone("")
	bits := 56
	if addr.Is4() {
		bits = 24
	}
	prefix, _ := addr.Prefix(bits) // of no address it is none
	return origin(maphash.Comparable(originSeed, prefix))
}

// Peer returns the address that r was sent from, without regard to proxies. It is no address if there is none.
func Peer(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	return peer.Addr()
}

// A grade is what is known of an origin, the best first.
type grade int

const (
	// proven is an origin from which a callback came that was stored. What strangers can do is refused, or is stored
	// already: who repeats a callback that was seen somewhere proves nothing.
	proven grade = iota
	// clean is an origin of which nothing is known.
	clean
	// wasteful is an origin from which a call came that cost something and was for nothing.
	wasteful
)

const (
	// provenFor is how long a proof counts: a shop may sleep at night, and the provider must not start over.
	provenFor = 24 * time.Hour
	// wastedFor is how long waste is held against an origin.
	wastedFor = time.Minute
)

// A standing is what one source knows of the origins that call it, as far as it remembers: 16 KiB, however many they are.
// It may be used from many goroutines, and no call waits for another.
type standing struct {
	start time.Time
	// grace is how much waste in a row a proven origin is forgiven, where a proof can be had by posting what is true. 0 is
	// any amount, where only the provider can prove anything, so that strangers behind the same address cannot spoil it.
	grace int
	// Strangers fill the second memory and never the first.
	proofs, wastes memory
}

func newStanding(start time.Time, grace int) *standing { return &standing{start: start, grace: grace} }

// seconds is the standing's clock, which begins at 1: a memory takes 0 for a place that is free.
func (s *standing) seconds(now time.Time) uint32 { return uint32(now.Sub(s.start)/time.Second) + 1 }

func (s *standing) grade(o origin, now time.Time) grade {
	at := s.seconds(now)
	if age, strikes, ok := s.proofs.find(o, at); ok && age < provenFor && (s.grace == 0 || strikes < s.grace) {
		return proven
	}
	if age, _, ok := s.wastes.find(o, at); ok && age < wastedFor {
		return wasteful
	}
	return clean
}

// prove notes that a callback from o was stored.
func (s *standing) prove(o origin, now time.Time) { s.proofs.note(o, s.seconds(now)) }

// waste notes that a call from o cost something and was for nothing.
func (s *standing) waste(o origin, now time.Time) {
	s.wastes.note(o, s.seconds(now))
	if s.grace > 0 {
		s.proofs.strike(o)
	}
}

// memory has when origins were noted, for as many as it has places; among the four that an origin may have, the oldest
// makes room. A place holds 24 bits of the origin, eight of its strikes and the second.
type memory [256][4]atomic.Uint64

// renewed is the age from which on a note is written again. What is younger stays as it is, so that callbacks that come
// in on many processors do not pass one cache line around.
const renewed = 30

func pack(o origin, strikes, second uint64) uint64 { return uint64(o)>>40<<40 | strikes<<32 | second }

// slot returns the origin's place, and what is in it.
func (m *memory) slot(o origin) (place *atomic.Uint64, held uint64) {
	row := &m[o%256]
	for i := range row {
		if held := row[i].Load(); held != 0 && held>>40 == uint64(o)>>40 {
			return &row[i], held
		}
	}
	return nil, 0
}

// find returns how long before the second at the origin was noted, and its strikes since.
func (m *memory) find(o origin, at uint32) (age time.Duration, strikes int, ok bool) {
	place, held := m.slot(o)
	if place == nil {
		return 0, 0, false
	}
	return time.Duration(at-min(at, uint32(held))) * time.Second, int(held >> 32 & 0xff), true
}

// note notes the origin, without strikes.
func (m *memory) note(o origin, at uint32) {
	place, held := m.slot(o)
	if place != nil && held>>32&0xff == 0 && at-min(at, uint32(held)) < renewed {
		return
	}
	if place == nil {
		row := &m[o%256]
		place = &row[0]
		for i := range row {
			if uint32(row[i].Load()) < uint32(place.Load()) {
				place = &row[i]
			}
		}
	}
	place.Store(pack(o, 0, uint64(at)))
}

// strike counts against an origin that was noted.
func (m *memory) strike(o origin) {
	place, held := m.slot(o)
	if place != nil && held>>32&0xff < 0xff {
		place.CompareAndSwap(held, held+1<<32) // who loses the race is one of many
	}
}
