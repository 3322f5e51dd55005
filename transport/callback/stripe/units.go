package stripe

import (
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/money"
)

// exceptions are the currencies whose amounts Stripe does not send in the minor units of ISO 4217, with the number of
// decimals that it uses. Source: docs.stripe.com/currencies, "Zero-decimal currencies" and "Special cases".
var exceptions = map[string]int{"ISK": 2, "UGX": 2, "MGA": 0}

// major turns Stripe's integers into major units. An unknown currency has no amount.
func major(minor, currency string) (relay.Amount, error) {
	if n, ok := exceptions[currency]; ok {
		return money.Shift(minor, n)
	}
	return money.FromMinor(minor, currency)
}

// minor is the inverse of major. An unknown currency is an error.
func minor(a relay.Amount, currency string) (string, error) {
	if n, ok := exceptions[currency]; ok {
		return money.Unshift(a, n)
	}
	return money.ToMinor(a, currency)
}
