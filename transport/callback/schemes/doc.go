// Package schemes declares the providers whose callbacks are JSON with a MAC or a token in a header, one file each. Another
// one is a file here with its Options and its scheme.Scheme, its signed callbacks in testdata/vectors, and a line in
// modules/tables.go.
package schemes

import (
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/scheme"
)

// Options are the settings of providers that need no others.
type Options struct {
	// Secrets are what callbacks are signed with, the old one too while it is replaced. At least one is needed; every one is
	// tried.
	Secrets []string `yaml:"secrets,omitempty" file:"secret"`
	// Fields may set Payment, a gjson path from the root of the body.
	Fields callback.Fields `yaml:"fields,omitempty"`
}

// Settings implements scheme.Options.
func (o Options) Settings() scheme.Settings {
	return scheme.Settings{Keys: o.Secrets, KeysName: "secrets", Fields: o.Fields}
}

// fresh returns a Scheme's Fresh for Options.
func fresh(prefix string) func() Options {
	return func() Options { return Options{Secrets: scheme.FreshSecrets(prefix)} }
}
