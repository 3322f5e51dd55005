// Package park holds the connections of clients that wait. A payer takes seconds to minutes, the callback microseconds:
// waiting is what the program does nearly all the time, and the bytes of an idle wait are what it is chosen by. So an
// idle client has no goroutine, no buffer, and no timer of the runtime.
//
// # The life of a connection
//
// [Park.Expect] returns a [Conn], which is the relay.Waiter of a wait that begins: it keeps what it is told. If the wait
// is refused, or has nothing to tell, whoever serves HTTP answers, and the Conn is discarded. Otherwise [Take] takes the
// connection over and [Conn.Attach] writes the head of the response and what was kept, in one write. From then on the
// client is written to by whoever has something to tell it: the relay's goroutine, or the timing wheel's for a
// heartbeat. After the end the writing side is shut; input is thrown away until the client has left too, for 2 s at
// most, because closing a socket whose input was not read resets it and may destroy the end.
//
// # Writing
//
// A write never blocks. What the socket does not take is kept and written when there is room (EPOLLOUT). A client that
// takes nothing of it within WriteTimeout is cut, with a reset. One for which more than 32 KiB would have to be kept is told
// nothing more but `slow`, for its cursor must not pass over what it was not told. An outcome and the end that follows
// it are one write. An event that many wait for is encoded once.
//
// # Heartbeats
//
// A connection that was silent for Heartbeat is sent one. The first comes at a random moment of the interval, and one
// that was put off by an event up to a quarter early, so that those of clients that came, or were told something, at the
// same time are spread. A timer is not moved when something is written: when it rings, it is set anew.
//
// # Three kinds of links
//
//   - A descriptor, on Linux, for plain TCP: taken out of Go's runtime, or never given to it (package front), and watched
//     with epoll, for hang-ups and, where clients have something to say, for input.
//   - A goroutine that reads, and another one while something is written: everywhere else, and for TLS, where the
//     state of crypto/tls and the goroutine's stack come to some 17 KiB for each client.
//   - A [Socket], which says by itself when it is ready: connections in memory.
//
// # The bytes of one waiter
//
// On a 64-bit system, by size class, for a payment of which nothing is known but that it is awaited:
//
//	relay.Subscription          192   waiter, payment, timer of the ticket's end, place in its topic, position
//	park.Conn                   176   state, timer of the heartbeat, position for the end's cursor, ring for Stop
//	transport.counted            64   what the metric and the log line of the end need
//	relay topic                  64   subscriptions, state (none), backlog (none)
//	  its list of one             8
//	  its share of the map       50   24 in a group of eight that is half to seven eighths full
//	payment id                   16   or its length, in steps of 8 to 16
//	descriptor                   24   number, generation, poller
//	  its slot in the poller     24   found by the descriptor's number
//
// That is some 620 bytes; with what size classes, garbage and the collector's own tables come to, the process grows by
// 0.8 to 1 KiB for each (`make load`). A payment that is registered, or has events, has a State of 352 bytes and its strings. The
// socket's own memory is the kernel's: some 5 KB while nothing is under way.
package park
