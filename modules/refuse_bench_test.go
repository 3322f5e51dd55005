//go:build unix

package modules_test

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/tillbell/tillbell/modules"
	"github.com/tillbell/tillbell/modules/config"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/fault"
)

// BenchmarkRefuse measures what it costs each provider to refuse a call from somebody who knows everything but the keys,
// from the bytes to the words of the answer:
//
//	bad-signature   a genuine callback, changed
//	wrong-key       signed as it should be, with another key
//	no-headers      a genuine body alone
//	long            a genuine body over and over, as long as a body may be
//
// cpu-ns/op is what the process used, on a machine that does other things besides. Beside it stands a genuine callback.
func BenchmarkRefuse(b *testing.B) {
	for _, a := range modules.Adapters {
		b.Run(a.About.Name, func(b *testing.B) {
			options, key, err := a.Throwaway()
			if err != nil {
				b.Fatal(err)
			}
			account, err := a.Account(config.NewSource(a.About.Name, options), key)
			if err != nil {
				b.Fatal(err)
			}
			n := callback.Notification{Payment: "order-1001", Status: relay.Paid, Amount: "129.00", Currency: a.About.Currency}
			for _, name := range []string{"", fault.BadSignature, fault.WrongKey} {
				postings, err := fault.Compose(name, account, n, time.Now())
				refused := name != ""
				if !refused {
					name = "genuine"
				}
				b.Run(name, func(b *testing.B) {
					if err != nil {
						b.Skip(err)
					}
					judged(b, account.Provider, postings[0].Request, refused)
				})
			}
			bare, err := account.Signer.Sign(n, time.Now())
			long := bare
			bare.Header = nil
			b.Run("long", func(b *testing.B) {
				if err != nil {
					b.Skip(err)
				}
				long.Body = bytes.Repeat(long.Body, 1+int(config.Default().Limits.CallbackBody)/len(long.Body))
				if _, err := account.Provider.Parse(long, time.Now()); err == nil {
					b.Skip("the body of this provider's callbacks is not signed, and read no further than need be")
				}
				judged(b, account.Provider, long, true)
			})
			b.Run("no-headers", func(b *testing.B) {
				if err != nil {
					b.Skip(err)
				}
				if _, err := account.Provider.Parse(bare, time.Now()); err == nil {
					b.Skip("this provider's callbacks need no header")
				}
				judged(b, account.Provider, bare, true)
			})
		})
	}
}

// judged measures what it takes to answer r, which must or must not be refused.
func judged(b *testing.B, p callback.Provider, r callback.Request, refused bool) {
	b.ReportAllocs()
	before := used(b)
	for b.Loop() {
		_, err := p.Parse(r, time.Now())
		if (err != nil) != refused {
			b.Fatalf("Parse: %v", err)
		}
		_ = p.Answer(err)
	}
	b.ReportMetric(float64(used(b)-before)/float64(b.N), "cpu-ns/op")
}

// used returns the CPU time that this process has used, in user and in kernel mode.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
