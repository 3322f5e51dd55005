package callbacktest_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/stripe"
)

// lies are what an adapter could say of itself that does not hold, by what About says to it.
var lies = map[string]func(*callback.About){
	"Vectors is 0":                     func(a *callback.About) { a.Vectors = 0 },
	"Name is":                          func(a *callback.About) { a.Name = "Stripe" },
	"Label is":                         func(a *callback.About) { a.Label = "" },
	"Proof is":                         func(a *callback.About) { a.Proof = "HMAC | SHA256" },
	"Currency is":                      func(a *callback.About) { a.Currency = "JPY" },
	"PrivateKey is true":               func(a *callback.About) { a.PrivateKey = true },
	"Statuses has closed: false":       func(a *callback.About) { a.Statuses = without(a.Statuses, relay.Closed) },
	"Statuses has nonsense: true":      func(a *callback.About) { a.Statuses = append(slices.Clone(a.Statuses), "nonsense") },
	`Window is "none"`:                 func(a *callback.About) { a.Window = "none" },
	"Unconfirmed has":                  func(a *callback.About) { a.Unconfirmed = []string{"no sentence"} },
	"no step says":                     func(a *callback.About) { a.Steps = a.Steps[1:] },
	"Retries are":                      func(a *callback.About) { a.Retries = callback.Every(0, 1) },
	"Sample names the source":          func(a *callback.About) { a.Sample = strings.Replace(a.Sample, "stripe-main", "Stripe", 1) },
	"Sample is of the provider":        func(a *callback.About) { a.Sample = strings.Replace(a.Sample, ": stripe", ": strype", 1) },
	"Sample has no key":                func(a *callback.About) { a.Sample = "stripe-main: {provider: stripe}\n" },
	"Sample shows the secret secrets":  func(a *callback.About) { a.Sample = strings.Replace(a.Sample, "${STRIPE", "whsec_{", 1) },
	"field tolerate not found":         func(a *callback.About) { a.Sample += "  tolerate: 5m\n" },
	"Sample with fresh keys: stripe: ": func(a *callback.About) { a.Sample += "  tolerance: -5m\n" },
}

func without(list []relay.Status, status relay.Status) []relay.Status {
	return slices.DeleteFunc(slices.Clone(list), func(s relay.Status) bool { return s == status })
}

// TestAbout tells each lie in a process of its own, which must fail for it.
func TestAbout(t *testing.T) {
	const variable = "TILLBELL_TEST_LIE"
	if said, lying := os.LookupEnv(variable); lying {
		about := stripe.About
		lies[said](&about)
		callbacktest.About(t, callbacktest.Adapter{
			About:     about,
			Zero:      stripe.Options{},
			New:       func(o any) (callback.Provider, error) { return stripe.New(o.(stripe.Options)) },
			NewSigner: func(o any, key string) (callback.Signer, error) { return stripe.NewSigner(o.(stripe.Options), key) },
			Throwaway: func() (any, string, error) { return stripe.Throwaway() },
		})
		return
	}
	for said := range lies {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAbout$")
		cmd.Env = append(os.Environ(), variable+"="+said)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), said) {
			t.Errorf("nothing says %q: %v\n%s", said, err, out)
		}
	}
}
