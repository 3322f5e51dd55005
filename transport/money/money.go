// Package money knows how many decimals a currency has: the minor units of ISO 4217 (list one, published by SIX), with
// which providers write amounts as integers.
package money

import (
	"fmt"
	"strings"

	"github.com/tillbell/tillbell/relay"
)

// The codes in use, by the number of decimals of their minor unit. Codes without a minor unit (XAU, XDR, XTS, …) are
// left out: nothing is paid in them.
const (
	two = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE " +
		"CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL " +
		"HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR " +
		"MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK " +
		"SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD " +
		"XCD XCG YER ZAR ZMW ZWG"
	zero  = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	three = "BHD IQD JOD KWD LYD OMR TND"
	four  = "CLF UYW"
)

var exponents = func() map[string]int {
	m := make(map[string]int)
	for n, codes := range map[int]string{0: zero, 2: two, 3: three, 4: four} {
		for _, code := range strings.Fields(codes) {
			m[code] = n
		}
	}
	return m
}()

// Exponent returns how many decimals the currency has. Its code must be in upper case; an unknown one is not ok.
func Exponent(currency string) (decimals int, ok bool) {
	decimals, ok = exponents[currency]
	return decimals, ok
}

// FromMinor turns an integer of minor units, as text, into major units with all the currency's decimals. An unknown
// currency has no amount: the result is empty without an error. Text that is not an integer is an error.
func FromMinor(minor, currency string) (relay.Amount, error) {
	n, ok := Exponent(currency)
	if !ok {
		n = 0
	}
	a, err := Shift(minor, n)
	if !ok {
		return "", err
	}
	return a, err
}

// Shift turns an integer, as text, into the number with its last n digits behind the point, for providers whose minor
// units differ from ISO 4217.
func Shift(minor string, n int) (relay.Amount, error) {
	sign, abs := "", minor
	if rest, ok := strings.CutPrefix(minor, "-"); ok {
		sign, abs = "-", rest
	}
	if abs == "" || strings.Trim(abs, "0123456789") != "" {
		return "", fmt.Errorf("minor amount %.40q is not an integer", minor)
	}
	abs = strings.TrimLeft(abs, "0")
	if pad := n + 1 - len(abs); pad > 0 {
		abs = strings.Repeat("0", pad) + abs
	}
	major := sign + abs
	if n > 0 {
		major = sign + abs[:len(abs)-n] + "." + abs[len(abs)-n:]
	}
	return relay.ParseAmount(major) // which bounds the length
}

// ToMinor is the inverse of FromMinor. An unknown currency or more decimals than it has is an error.
func ToMinor(a relay.Amount, currency string) (string, error) {
	n, ok := Exponent(currency)
	if !ok {
		return "", fmt.Errorf("%q is not a currency code of ISO 4217", currency)
	}
	return Unshift(a, n)
}

// Unshift is the inverse of Shift.
func Unshift(a relay.Amount, n int) (string, error) {
	if _, err := relay.ParseAmount(string(a)); err != nil {
		return "", err
	}
	if a.Decimals() > n {
		return "", fmt.Errorf("amount %s has more than %d decimals", a, n)
	}
	sign, abs := "", string(a)
	if rest, ok := strings.CutPrefix(abs, "-"); ok {
		sign, abs = "-", rest
	}
	whole, frac, _ := strings.Cut(abs, ".")
	frac = strings.TrimRight(frac, "0")
	digits := strings.TrimLeft(whole+frac+strings.Repeat("0", n-len(frac)), "0")
	if digits == "" {
		return "0", nil
	}
	return sign + digits, nil
}
