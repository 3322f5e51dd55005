// Package modules puts the program together. It is the only package, with main, that knows fx: every other package has
// plain constructors and plain Start and Stop methods.
//
// tables.go names every provider, transport and engine; engine.go opens the engine, before the app is built, since to join
// a cluster takes as long as it takes, and ends it after the app. core.go and listen.go are one fx.Module each. They start
// in the order in which they depend on each other (wheel, relay, listeners) and stop in reverse.
package modules
