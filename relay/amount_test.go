package relay_test

import (
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
)

// rat returns a's value by way of math/big alone.
func rat(a relay.Amount) *big.Rat {
	r := new(big.Rat)
	if a == "" {
		return r
	}
	if _, ok := r.SetString(string(a)); !ok {
		panic("not a number: " + string(a))
	}
	return r
}

var decimal = rapid.Map(rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,8})?`), func(s string) relay.Amount { return relay.Amount(s) })

func TestAmountArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimal.Draw(t, "a"), decimal.Draw(t, "b")
		if got, want := a.Cmp(b), rat(a).Cmp(rat(b)); got != want {
			t.Fatalf("%s.Cmp(%s) = %d, want %d", a, b, got, want)
		}
		if a.Equal(b) != (rat(a).Cmp(rat(b)) == 0) || !a.Equal(a) {
			t.Fatalf("%s.Equal(%s) = %v", a, b, a.Equal(b))
		}
		sum := a.Plus(b)
		if parsed, err := relay.ParseAmount(string(sum)); err != nil || rat(parsed).Cmp(new(big.Rat).Add(rat(a), rat(b))) != 0 {
			t.Fatalf("%s + %s = %s, error %v", a, b, sum, err)
		}
		_, frac, _ := strings.Cut(string(sum), ".")
		_, x, _ := strings.Cut(string(a), ".")
		_, y, _ := strings.Cut(string(b), ".")
		if len(frac) != max(len(x), len(y)) {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
		n := a.Decimals()
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
		if scaled := new(big.Rat).Mul(rat(a), new(big.Rat).SetInt(scale)); !scaled.IsInt() {
			t.Fatalf("%s has %d decimals?", a, n)
		}
		if longer := a.Plus("0." + relay.Amount(strings.Repeat("0", 9))); longer.Decimals() != n || !longer.Equal(a) {
			t.Fatalf("%s has %d decimals, %s has %d", a, n, longer, longer.Decimals())
		}
	})
}

func TestUnknownAmount(t *testing.T) {
	var none relay.Amount
	if !none.Equal("") || none.Equal("0") || relay.Amount("0.00").Equal(none) {
		t.Error("unknown is an amount")
	}
	if none.Plus("1.50") != "1.50" || relay.Amount("1.50").Plus(none) != "1.50" || none.Plus(none) != "" {
		t.Error("unknown adds something")
	}
	if none.Cmp("0") != 0 || none.Cmp("-1") != 1 || relay.Amount("1").Cmp(none) != 1 || none.Decimals() != 0 {
		t.Error("unknown does not count as 0")
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"", "0", "129.00", "-5", "+5", "1.", ".5", "-", "1e5", "1_0", "1,0", " 1", "٣", "1/2", "0x1", "Inf", "1.2.3", "--1",
		strings.Repeat("9", 80), strings.Repeat("9", 81)} {
		f.Add(s)
	}
	valid := regexp.MustCompile(`\A-?[0-9]+(\.[0-9]+)?\z`)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := relay.ParseAmount(s)
		if want := valid.MatchString(s) && len(s) <= 80; (err == nil) != want {
			t.Fatalf("ParseAmount(%q) = %q, error %v", s, a, err)
		}
		if err == nil && (string(a) != s || !a.Equal(a.Plus("0"))) {
			t.Fatalf("ParseAmount(%q) = %q", s, a)
		}
	})
}
