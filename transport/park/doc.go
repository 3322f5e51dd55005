// Package park holds the connections of clients that wait. A payer takes seconds to minutes, the callback microseconds:
// waiting is what the program does nearly all the time, so an idle client has no goroutine, no buffer and no timer of
// the runtime.
package park
