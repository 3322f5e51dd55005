package callback

import (
	"strings"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// About is what an adapter says of itself to people: its row in the table of providers, what `tillbell providers NAME`
// prints, and what `tillbell send` and the demo shop need to speak as the provider. The suite (callbacktest.About) holds it
// against what the adapter does.
type About struct {
	// Name is the provider's in a configuration, Label what people call it.
	Name, Label string
	// Proof says in a few words what is verified, as in "HMAC-SHA256 of the raw body".
	Proof string
	// Asymmetric says that the check costs a public-key operation. Checks that fail are then limited, for each source and
	// second.
	Asymmetric bool
	// PrivateKey says that the provider signs with a private key, which no configuration has: the Signer is to be given it.
	PrivateKey bool
	// Window is how old a signature may be, as in "300 s both ways". It begins with "none" where one never grows old by
	// default.
	Window string
	// EventID says what repeats are told by, as in "`id`" or "header `webhook-id`".
	EventID string
	// Currency is what callbacks are usually about.
	Currency string
	// Statuses are those that a callback of the provider can tell.
	Statuses []relay.Status
	// Vectors is how many signed callbacks in the adapter's testdata it is held against.
	Vectors int
	// Checked names the official code, with its version, that judged the vectors or takes what the adapter's Signer makes.
	// Empty says that there is none.
	Checked []string
	// Unconfirmed are whole sentences: what no source settles, and how the adapter is on the safe side of it.
	Unconfirmed []string
	// Sample is the source's section of the configuration as it would be pasted, in YAML, with the name that it suggests for
	// the source and without indentation.
	Sample string
	// Steps are whole sentences: what is to be done in the provider's console, in order. SOURCE stands for the source's name,
	// as in https://pay.shop.example/v1/callbacks/SOURCE.
	Steps []string
	// Retries are the pauses before the second and each later try of a callback that is not acknowledged. There are none
	// where the provider tries once.
	Retries []time.Duration
}

// Timed reports whether a signature grows old, so that the provider signs each try anew.
func (a About) Timed() bool { return !strings.HasPrefix(a.Window, "none") }

// Every returns n pauses of the length d, for About.Retries.
func Every(d time.Duration, n int) []time.Duration {
	pauses := make([]time.Duration, n)
	for i := range pauses {
		pauses[i] = d
	}
	return pauses
}
