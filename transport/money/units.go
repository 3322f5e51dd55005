package money

import "github.com/tillbell/tillbell/relay"

// Units are a provider's minor units: those of ISO 4217, but for the currencies that it has, with how many decimals the
// provider's have. The zero value has none.
type Units map[string]int

// Major is FromMinor in the provider's units.
func (u Units) Major(minor, currency string) (relay.Amount, error) {
	if n, ok := u[currency]; ok {
		return Shift(minor, n)
	}
	return FromMinor(minor, currency)
}

// Minor is the inverse of Major. An unknown currency or more decimals than it has is an error.
func (u Units) Minor(a relay.Amount, currency string) (string, error) {
	if n, ok := u[currency]; ok {
		return Unshift(a, n)
	}
	return ToMinor(a, currency)
}
