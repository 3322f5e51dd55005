package relay

import (
	"fmt"
	"math/big"
	"strings"
)

// Amount is a decimal number in major units as text, such as "129.00"; empty means unknown. It is never a float.
// Two amounts that differ in trailing zeros alone are Equal.
type Amount string

// maxAmount bounds the text: 2^256 has 78 digits.
const maxAmount = 80

// ParseAmount checks that s is a plain decimal number: an optional minus, digits, and optionally a point and more
// digits. An exponent, a plus, a group separator or white space is an error.
func ParseAmount(s string) (Amount, error) {
	if len(s) > maxAmount {
		return "", fmt.Errorf("amount has %d characters, at most %d are allowed", len(s), maxAmount)
	}
	whole, frac, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !digits(whole) || point && !digits(frac) {
		return "", fmt.Errorf("amount %q is not a decimal number such as 129.00", s)
	}
	return Amount(s), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// rat returns a's value, which must have passed ParseAmount; unknown is 0.
func (a Amount) rat() *big.Rat {
	r, ok := new(big.Rat).SetString(string(a))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// Cmp compares a and b as decimals; unknown counts as 0.
func (a Amount) Cmp(b Amount) int { return a.rat().Cmp(b.rat()) }

// Equal reports whether a and b are the same number, or both unknown.
func (a Amount) Equal(b Amount) bool {
	return a == b || a != "" && b != "" && a.Cmp(b) == 0
}

// Decimals returns the number of digits behind the point, trailing zeros not counted.
func (a Amount) Decimals() int {
	_, frac, _ := strings.Cut(string(a), ".")
	return len(strings.TrimRight(frac, "0"))
}

// Plus returns the sum with as many decimals as the longer of the two; unknown counts as 0.
func (a Amount) Plus(b Amount) Amount {
	if a == "" || b == "" {
		return a + b
	}
	_, x, _ := strings.Cut(string(a), ".")
	_, y, _ := strings.Cut(string(b), ".")
	return Amount(new(big.Rat).Add(a.rat(), b.rat()).FloatString(max(len(x), len(y))))
}
