// Package transport is the HTTP edge: the public listener with the routes of payments, the waits on them and the
// providers' callbacks, and the admin listener. It knows HTTP and the relay; how a wait is written to a client is a
// Transport's business, each in its own folder: sse, ws, poll. What every one of them must do is written as tests in
// transporttest; what those do not hold is not promised.
//
// # What a client is told
//
// First the state; then every applied event behind its cursor, in the order of the log, each once over one
// connection; another state when something contradicts; and `end`, once and last. Between them heartbeats, whenever
// nothing was written for as long as the transport's Heartbeat. Any JSON is a type of package wire, the same
// everywhere. Nobody is told anything without a ticket for exactly that payment.
//
// The cursor is Last-Event-ID, or else ?after=. One that is empty, there twice, unreadable, of another epoch or beyond
// the log's end counts as none: a cursor saves repeats and nothing depends on it.
//
// # How a wait ends
//
// Every wait ends in one row of this table, and nothing ends in any other way but by a client that goes away:
//
//	code          when                                     HTTP       WebSocket  come back
//	done          final event delivered or known already   204        1000       no
//	expired       the wait's time is over                  410        4410       no
//	slow          the client did not keep up               503        4503       yes
//	closing       the server drains                        503 +      1001       yes, jittered
//	limit         too many waiters of the process          503 +      1013       yes, jittered
//	              of the address or the payment            429 +      1013       yes, jittered
//	unauthorized  no valid ticket for this payment         401        none       no
//	internal      anything else                            500        1011       yes, jittered
//
// HTTP is where nothing was written yet, + is Retry-After. Each transport may bend this where its clients need it:
//
//   - sse answers all that a client should come back from with 200 and a stream of nothing but `retry` and `end`,
//     because a browser's EventSource gives up for good on any other status; 204 is its alone.
//   - ws tells everything but 401, 403 (a foreign Origin), `limit` and a request that is no handshake after the upgrade.
//   - poll tells `done`, and what expires during the poll, as 200.
//
// # Who closes
//
// The server does: after the end an event stream's response is complete, a WebSocket gets its close frame, and the
// connection is shut; the client has 2 s to stop sending and to leave. A client may leave at any time, and is not told.
//
// # Deadlines
//
// A request has Options.RequestTime to arrive, headers and body each, and its answer as long to be taken. An answer
// that takes its time has no deadline as a whole; each of its writes has the transport's WriteTimeout. The engine
// has 10 s for what one request asks of it, 4 s for a callback, whose deadlines are its route's own. A wait ends at the
// earliest of the ticket's expiry, ?ttl= and Options.MaxTTL; heartbeats and expiries come from a timing wheel and may be
// a wheel.Tick late.
//
// # Slow clients
//
// Nothing is ever written under a lock of the relay, and no write of a parked connection blocks: what its socket does
// not take is kept, up to 32 KiB. More ends the wait as `slow`, and what is not taken within WriteTimeout ends it too, by
// cutting the connection. Transports that write from a goroutine have an Inbox between the relay and the client, which
// keeps up to 64 frames, to the same effect. The state is retained, so a client that comes back has missed nothing.
//
// # Drain
//
// Stop goes through these steps: /readyz answers 503; Options.Delay passes, with everything still served; every wait
// ends as `closing`, and so do polls of the merchant's feed; when their connections are closed, the listener closes; what is in
// flight is finished. Callbacks and the merchant's requests are answered until the listener closes, /healthz too. When
// Stop's context is done, what is left is cut.
//
// # Secrets
//
// Tickets and API keys are in no log line, error or metric. Requests are never logged by their URL, which may hold a
// ticket, but by their route.
package transport
