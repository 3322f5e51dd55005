package relay_test

import (
	"cmp"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
)

func TestPositionText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := relay.Position{
			Epoch: rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(t, "epoch"),
			Seq:   rapid.Uint64().Draw(t, "sequence"),
			Sub:   rapid.Uint32Max(math.MaxUint32-1).Draw(t, "sub"),
		}
		if got, err := relay.ParsePosition(p.String()); err != nil || got != p {
			t.Fatalf("%+v as text is %q and back %+v, error %v", p, p, got, err)
		}
		if end := p.End().String(); strings.Count(end, ".") != 1 || p.End().Compare(p) <= 0 {
			t.Fatalf("%v ends at %v", p, end)
		}
	})
	if p, err := relay.ParsePosition(""); err != nil || !p.IsZero() || p.String() != "" {
		t.Errorf("empty text is %+v, error %v", p, err)
	}
}

func TestPositionOrder(t *testing.T) {
	place := rapid.Custom(func(t *rapid.T) relay.Position {
		return relay.Position{Epoch: "e", Seq: rapid.Uint64Max(3).Draw(t, "sequence"), Sub: rapid.Uint32Max(3).Draw(t, "sub")}
	})
	rapid.Check(t, func(t *rapid.T) {
		p, q := place.Draw(t, "p"), place.Draw(t, "q")
		if want := cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Sub, q.Sub)); p.Compare(q) != want || q.Compare(p) != -want {
			t.Fatalf("%v.Compare(%v) = %d, want %d", p, q, p.Compare(q), want)
		}
		if p.Seq < q.Seq && p.End().Compare(q) >= 0 {
			t.Fatalf("the end of %v is behind %v", p, q)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"", "e.1", "e.1.2", "e.0", "e.1.0", "e.1.4294967295", "e.1.4294967294", "e.-1", "e.+1", "e.1.", "e.", ".1", "e", "e.1.2.3",
		"e.18446744073709551615", "e.18446744073709551616", "e.1\n", strings.Repeat("e", 64) + ".1", strings.Repeat("e", 65) + ".1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := relay.ParsePosition(s)
		if err != nil {
			if !p.IsZero() {
				t.Fatalf("ParsePosition(%q) = %+v beside the error %v", s, p, err)
			}
			return
		}
		if again, err := relay.ParsePosition(p.String()); err != nil || again != p {
			t.Fatalf("%q is %+v, and as text %q %+v, error %v", s, p, p, again, err)
		}
	})
}
