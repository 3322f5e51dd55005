// Package front accepts the connections of plain HTTP/1.1 and answers there and then what comes in great numbers:
// callbacks, and the beginning of waits. Everything else it leaves to net/http, with every byte that it has read.
//
// # Why not net/http
//
// net/http spends a goroutine on each connection, whose stack grows three times to some 16 KiB while the first request is
// served, two buffers of 4 KiB, and an entry in the runtime's poller, only for a wait to give all that back. In a profile
// of 19,000 waits that begin, growing stacks took 17 % of the time, accepting and hijacking as much. Of a callback that is
// told, with 27 us, net/http's reading, header maps and background reader took 5. Here one goroutine watches all
// connections, reads into one buffer, and hands whole requests to workers whose stacks have grown already.
//
// # What is answered here
//
// A request of a method and path that Options.Takes names, that is complete in what was read or soon will be, in its
// plainest form: HTTP/1.1 in visible ASCII, line ends of CR LF, one Host, at most one Content-Length and no other way to
// frame a body, no Expect, no more than 64 headers in 8 KiB, a body of no more than 16 KiB. It goes through the same
// http.Handler as all others. Whatever deviates, valid or not, is net/http's to answer or to refuse: what is not
// understood here cannot be misunderstood. A fuzz target holds that whatever is parsed here is parsed by net/http to the
// same request.
//
// # What a handler may rely on
//
// The request's body is there, its context is never done, and its header and body are used again for the next request:
// nothing of them may be kept. The answer is written when the handler returns, or the handler takes the connection over
// (exchange.Take, http.Hijacker). Deadlines are accepted and mean nothing, for nothing is waited for.
//
// # Connections that have nothing to say
//
// A connection has Options.RequestTime for its first request and IdleTime for each further one, and is closed then. One
// that has begun a request and does not go on within a second is left to net/http and its deadlines. A client that does
// not take its answer is cut.
//
// When descriptors run out, connections without a request are closed, those first that have been idle longest.
package front
