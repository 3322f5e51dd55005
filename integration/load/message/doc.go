// Package message is what the load generator writes to and reads from a server: requests from templates, signed
// callbacks, tickets, and as much of HTTP/1.1, Server-Sent Events and WebSocket (RFC 6455) as is needed to find in an
// answer the id of the callback that caused it.
//
// Nothing here blocks or allocates where a caller brings a buffer. What reads takes input in any pieces, as a socket
// gives it. Values are not safe for concurrent use unless they say so.
package message
