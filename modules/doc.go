// Package modules puts the program together. It is the only package, with main, that knows fx: every other package has
// plain constructors and plain Start and Stop methods.
//
// tables.go names every provider, transport and engine. Each other file is one fx.Module. They start in the order in
// which they depend on each other (engine, wheel, relay, listeners) and stop in reverse.
package modules
