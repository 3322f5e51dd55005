package scheme_test

import (
	"strings"
	"testing"
)

// BenchmarkParse is what a callback costs that is proven by a MAC with a time, and what one costs that is not.
func BenchmarkParse(b *testing.B) {
	s := declare(reading, order())
	s.Proof = timed
	p := open(b, s, keyed())
	for name, size := range map[string]int{"1KiB": 1 << 10, "64KiB": 64 << 10} {
		n := full
		n.Payment = "order-1001"
		k := order()
		k.Example = strings.Replace(k.Example, "{", `{"note":"`+strings.Repeat("x", size)+`",`, 1)
		long := declare(reading, k)
		long.Proof = timed
		r, err := signer(b, long, keyed()).Sign(n, at)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("genuine/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if events, err := p.Parse(r, at); err != nil || len(events) != 1 {
					b.Fatal(events, err)
				}
			}
		})
		forged := r
		forged.Header = r.Header.Clone()
		forged.Header.Set("X-Sig", "ts="+stamp+strings.Repeat(";"+signedBy("x"), 19))
		b.Run("forged/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Parse(forged, at); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
