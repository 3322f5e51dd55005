package modules

import "testing"

// TestChecksThatCostLittleAreNotLimited: a source of Standard Webhooks is limited by its public keys, not by its secrets.
func TestChecksThatCostLittleAreNotLimited(t *testing.T) {
	for keys, want := range map[string]bool{
		"secrets: [whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz]":                false,
		"public_keys: [whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=]": true,
	} {
		sources, err := Sources(read(t, "sources: {erp: {provider: standard-webhooks, "+keys+"}}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := sources["erp"].Asymmetric; got != want {
			t.Errorf("%s: Asymmetric %v, want %v", keys, got, want)
		}
	}
}
