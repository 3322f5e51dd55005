package relay

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Position is a place in an engine's log. The zero Position is before everything.
//
// As text it is "epoch.seq", or "epoch.seq.sub" where several events were applied at one place of the log: a
// registration releases the events that were held back for it.
type Position struct {
	// Epoch names one life of a log. Positions of different epochs cannot be compared. It has no dot and needs no
	// escaping in a URL or a header.
	Epoch string
	// Seq counts the log's entries from 1.
	Seq uint64
	// Sub is 0 for an entry itself and counts from 1 what a registration released.
	Sub uint32
}

// End returns the position behind everything that was applied at p's place of the log.
func (p Position) End() Position {
	p.Sub = math.MaxUint32
	return p
}

// IsZero reports whether p is the zero Position.
func (p Position) IsZero() bool { return p == Position{} }

// Compare orders positions of one epoch as cmp.Compare does.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Seq, q.Seq); c != 0 {
		return c
	}
	return cmp.Compare(p.Sub, q.Sub)
}

// String returns the text form; the zero Position's is empty.
func (p Position) String() string {
	if p.IsZero() {
		return ""
	}
	s := p.Epoch + "." + strconv.FormatUint(p.Seq, 10)
	if p.Sub != 0 && p.Sub != math.MaxUint32 {
		s += "." + strconv.FormatUint(uint64(p.Sub), 10)
	}
	return s
}

// ParsePosition reads the text form. Empty text is the zero Position.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	epoch, rest, ok := strings.Cut(s, ".")
	if !ok || epoch == "" || len(epoch) > 64 {
		return Position{}, fmt.Errorf("relay: position %.64q is not epoch.sequence", s)
	}
	seq, sub, hasSub := strings.Cut(rest, ".")
	p := Position{Epoch: epoch}
	var err error
	if p.Seq, err = strconv.ParseUint(seq, 10, 64); err != nil {
		return Position{}, fmt.Errorf("relay: position %.64q has no sequence number", s)
	}
	if hasSub {
		n, err := strconv.ParseUint(sub, 10, 32)
		if err != nil || n == 0 || n == math.MaxUint32 {
			return Position{}, fmt.Errorf("relay: position %.64q has a wrong last part", s)
		}
		p.Sub = uint32(n)
	}
	return p, nil
}
