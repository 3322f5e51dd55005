// Package scheme is the vocabulary of adapters whose callbacks are JSON, proven by a MAC or a token in a header. Such an
// adapter is a Scheme: a page of declarations that can be held against the provider's document.
//
//	what is signed      MAC.Signed: Body, Timestamp, URL, Header and literal Text, in any order
//	how it is encoded   MAC.Hash, MAC.Encoding, MAC.Prefix, MAC.Items
//	where it stands     MAC.Header
//	how old it may be   MAC.Window
//	how fields are read Reading and Kind: gjson paths, and what each of the provider's words means
//
// The same declarations write callbacks: each Kind has an example of a body, into which the Signer puts what it is told
// to say, at the places where it is read from.
//
// What a declaration cannot say is a function of the Kind, or the adapter has its own code and takes from here what fits:
// the MAC, mostly. A word has a provider here whose document says it, or senders that package hmac is for.
package scheme
