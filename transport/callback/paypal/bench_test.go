package paypal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// BenchmarkParse is what a genuine call costs, and what a stranger's does, depending on the check that refuses it.
func BenchmarkParse(b *testing.B) {
	o, key := throwaway()
	p, r := provider(b, o), sign(b, signer(b, o, key))
	forged := r
	forged.Body = append([]byte(" "), r.Body...)
	unpinned := provider(b, paypal.Options{WebhookID: o.WebhookID})
	for name, run := range map[string]func(i int){
		"genuine":       func(int) { _, _ = p.Parse(r, at) },
		"bad-signature": func(int) { _, _ = p.Parse(forged, at) },
		"foreign-host":  func(int) { _, _ = p.Parse(with(r, "Paypal-Cert-Url", "https://evil.example/"), at) },
		"over-budget":   func(i int) { _, _ = unpinned.Parse(with(r, "Paypal-Cert-Url", number(i)), at) },
	} {
		b.Run(name, func(b *testing.B) {
			unpinned.Reach(unreachable, nil)
			b.ReportAllocs()
			for i := range b.N {
				run(i)
			}
		})
	}
}

// BenchmarkReplays is what remembering a transmission costs when the memory is full.
func BenchmarkReplays(b *testing.B) {
	o, _ := throwaway()
	p := provider(b, o)
	for i := range paypal.MaxReplays {
		p.Admit(fmt.Sprint(i), at, "a", at)
	}
	b.ReportAllocs()
	for i := range b.N {
		p.Admit(fmt.Sprint("more", i), at, "a", at.Add(time.Duration(i)))
	}
}
