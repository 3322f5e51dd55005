package money_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/money"
)

// Spot checks against ISO 4217, list one. Providers have other ideas of some of these.
func TestExponents(t *testing.T) {
	for decimals, codes := range map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		2: "AUD BRL CAD CHF CNY CVE EUR GBP HKD HUF IDR INR MGA MRU MXN PLN SEK SGD SLE STN TRY TWD USD VES ZAR ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			if n, ok := money.Exponent(code); !ok || n != decimals {
				t.Errorf("%s: %d, %v; want %d", code, n, ok, decimals)
			}
		}
	}
	// In lower case, withdrawn, without a minor unit, or no currency at all.
	for _, code := range []string{"", "eur", "DEM", "XAU", "XDR", "XTS", "XXX", "BTC", "EURO", "EU"} {
		if n, ok := money.Exponent(code); ok {
			t.Errorf("%q has %d decimals", code, n)
		}
	}
}

func TestFromMinor(t *testing.T) {
	for _, c := range []struct {
		minor, currency string
		want            relay.Amount
	}{
		{"12900", "CNY", "129.00"},
		{"5", "EUR", "0.05"},
		{"0", "EUR", "0.00"},
		{"000", "EUR", "0.00"},
		{"0012900", "EUR", "129.00"},
		{"-5", "EUR", "-0.05"},
		{"-12900", "EUR", "-129.00"},
		{"1500", "JPY", "1500"},
		{"0", "JPY", "0"},
		{"0015", "JPY", "15"},
		{"1", "KWD", "0.001"},
		{"123456", "CLF", "12.3456"},
		{"9007199254740993", "USD", "90071992547409.93"}, // above 2^53, where floats have gaps
		{"12900", "XXX", ""},
		{"0", "", ""},
	} {
		if got, err := money.FromMinor(c.minor, c.currency); err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v; want %q", c.minor, c.currency, got, err, c.want)
		}
	}
}

func TestFromMinorWantsAnInteger(t *testing.T) {
	for _, minor := range []string{"", "-", "--1", "+1", "1.0", "1.", ".5", "-1.5", "1e3", "0x10", "1,000", "1 000", " 1", "1\n", "NaN",
		"one", "１", strings.Repeat("9", 1000)} {
		for _, currency := range []string{"EUR", "JPY", "XXX"} {
			got, err := money.FromMinor(minor, currency)
			if err == nil || got != "" {
				t.Errorf("%.40q %s: %q, want an error", minor, currency, got)
				continue
			}
			if len(err.Error()) > 200 {
				t.Errorf("%.40q: the error has %d characters", minor, len(err.Error()))
			}
		}
	}
}

func TestToMinor(t *testing.T) {
	for _, c := range []struct {
		amount   relay.Amount
		currency string
		want     string
	}{
		{"129.00", "CNY", "12900"},
		{"129", "CNY", "12900"},
		{"129.5", "CNY", "12950"},
		{"0.05", "EUR", "5"},
		{"00.05", "EUR", "5"},
		{"0", "EUR", "0"},
		{"0.00", "EUR", "0"},
		{"-0.00", "EUR", "0"},
		{"-0.05", "EUR", "-5"},
		{"1500", "JPY", "1500"},
		{"1500.000", "JPY", "1500"},
		{"1.5", "KWD", "1500"},
		{"12.3456", "CLF", "123456"},
		{"1.2300000", "USD", "123"},
	} {
		if got, err := money.ToMinor(c.amount, c.currency); err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v; want %q", c.amount, c.currency, got, err, c.want)
		}
	}
}

func TestToMinorErrors(t *testing.T) {
	for _, c := range []struct {
		amount   relay.Amount
		currency string
		want     string
	}{
		{"1.005", "EUR", "more than 2 decimals"},
		{"1.5", "JPY", "more than 0 decimals"},
		{"1.23456", "CLF", "more than 4 decimals"},
		{"1", "XXX", "not a currency code"},
		{"1", "eur", "not a currency code"},
		{"", "EUR", "not a decimal number"},
		{"1,5", "EUR", "not a decimal number"},
		{"1e3", "EUR", "not a decimal number"},
		{"-", "EUR", "not a decimal number"},
	} {
		if got, err := money.ToMinor(c.amount, c.currency); err == nil || got != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %q, %v; want %s", c.amount, c.currency, got, err, c.want)
		}
	}
}

var currency = rapid.SampledFrom([]string{"EUR", "CNY", "JPY", "ISK", "KWD", "CLF", "MGA"})

func TestMinorComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.StringMatching(`0|-?[1-9][0-9]{0,70}`).Draw(t, "minor")
		code := currency.Draw(t, "currency")
		a, err := money.FromMinor(minor, code)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := relay.ParseAmount(string(a)); err != nil {
			t.Errorf("%s %s is %q: %v", minor, code, a, err)
		}
		if got, err := money.ToMinor(a, code); err != nil || got != minor {
			t.Errorf("%s %s is %q, and that %q, %v", minor, code, a, got, err)
		}
	})
}

func TestMajorComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := currency.Draw(t, "currency")
		n, _ := money.Exponent(code)
		text := rapid.StringMatching(`-?[0-9]{1,40}`).Draw(t, "whole")
		if decimals := rapid.IntRange(0, n).Draw(t, "decimals"); decimals > 0 {
			text += "." + rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", decimals)).Draw(t, "fraction")
		}
		minor, err := money.ToMinor(relay.Amount(text), code)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := money.FromMinor(minor, code); err != nil || !got.Equal(relay.Amount(text)) {
			t.Errorf("%s %s is %s, and that %q, %v", text, code, minor, got, err)
		}
	})
}

// Shift and Unshift are the same with the decimals given, whatever the currency.
func TestShiftComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.StringMatching(`0|-?[1-9][0-9]{0,30}`).Draw(t, "minor")
		n := rapid.IntRange(0, 12).Draw(t, "decimals")
		a, err := money.Shift(minor, n)
		if err != nil {
			t.Fatal(err)
		}
		_, fraction, point := strings.Cut(string(a), ".")
		if point != (n > 0) || len(fraction) != n {
			t.Errorf("%q has not %d decimals", a, n)
		}
		if got, err := money.Unshift(a, n); err != nil || got != minor {
			t.Errorf("%s is %q, and that %q, %v", minor, a, got, err)
		}
	})
}

// Whatever is written, there is an amount that relay takes, or an error, and never both.
func FuzzFromMinor(f *testing.F) {
	for _, minor := range []string{"0", "-1", "12900", "1.5", "-", "", "00", strings.Repeat("9", 79)} {
		f.Add(minor, "EUR")
	}
	f.Add("1", "CLF")
	f.Fuzz(func(t *testing.T, minor, code string) {
		a, err := money.FromMinor(minor, code)
		if err != nil {
			if a != "" {
				t.Errorf("%q with %v", a, err)
			}
			return
		}
		if _, known := money.Exponent(code); known != (a != "") {
			t.Errorf("%q %q: %q", minor, code, a)
		}
		if a == "" {
			return
		}
		if _, err := money.ToMinor(a, code); err != nil {
			t.Errorf("%q %s is %q: %v", minor, code, a, err)
		}
	})
}
