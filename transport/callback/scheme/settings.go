package scheme

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/tillbell/tillbell/transport/callback"
)

// Settings are what a source's configuration comes down to.
type Settings struct {
	// Keys are the secrets or tokens that are valid, the first of which signs. KeysName is the setting that lists them.
	Keys     []string
	KeysName string
	// Tolerance replaces MAC.Window unless it is zero.
	Tolerance time.Duration
	// URL is the notification URL, and URLName the setting that has it.
	URL, URLName string
	// Account are the accounts that callbacks may be about; none is all.
	Account callback.List
	// Fields may set Payment alone.
	Fields callback.Fields
}

// FreshSecrets returns two random secrets, so that a rotation can be shown.
func FreshSecrets(prefix string) []string {
	return []string{prefix + rand.Text() + rand.Text(), prefix + rand.Text() + rand.Text()}
}

// checkKeys refuses keys that nobody means.
func checkKeys(s Settings) error {
	if len(s.Keys) == 0 {
		return fmt.Errorf("set %s to what the provider shows; list the old one too while it is replaced", s.KeysName)
	}
	return callback.CheckSecrets(s.KeysName, s.Keys)
}

// proof verifies and makes the headers that prove where a callback comes from.
type proof interface {
	Verify(r callback.Request, now time.Time) *callback.Refusal
	Sign(h http.Header, body []byte, at time.Time) error
}

// Proof is a MAC or a Token.
type Proof interface {
	proof(s Settings) (proof, error)
}
