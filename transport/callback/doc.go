// Package callback takes providers' signed callbacks. A Provider proves where a call comes from and translates it;
// the Route stores what it says and answers in the provider's own words. The order is fixed: exact bytes, signature,
// time, account, fields, append, acknowledgement. Nothing is read from a body before its signature holds, and
// nothing is acknowledged before it is stored.
//
// Most providers sign JSON with an HMAC: they are declarations in package schemes, in the vocabulary of package scheme.
// What a declaration cannot say is an adapter with code, a folder beside this file that exports
//
//	var About = callback.About{…}                        // what it says of itself
//	type Options struct{…}                               // yaml tags, see options.go
//	func New(o Options) (*Provider, error)               // checks the settings, errors say what to change
//	func NewSigner(o Options, key string) (*Signer, error) // key: the provider's private key where it has one
//	func Throwaway() (o Options, key string, err error)  // fresh keys for `tillbell dev`
//
// and passes callbacktest. Either has one line in modules/tables.go.
//
// A Provider whose callbacks prove no more than that something changed is a Fetcher: the Route asks the provider's API
// back, within limits that strangers cannot use up for others, and stores what that says.
//
// What several adapters need is here: checks.go and json.go for reading, compose.go and rsa.go for Signers.
package callback
