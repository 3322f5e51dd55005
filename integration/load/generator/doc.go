//go:build linux

// Package generator loads one server with waiters and callbacks and measures what comes of it. It is a child process:
// [Main] reads a [Job] from its input, does it and writes a [Result] to its output.
//
// One goroutine on one thread does everything, over epoll: a waiter costs its socket and some fifty bytes, so that the
// machine is left to the server. Waiters come from many source addresses, 127.0.1.1 and up, so that ports do not run
// out. No address outside of 127.0.0.0/8 is talked to.
//
// # Latency
//
// Open-loop callbacks have a time at which they are due. Every latency is counted from there and not from when the
// callback was sent, and one without an answer counts with the time it has waited: a server that stalls is not
// forgiven what it did not let the generator send. A callback is delivered when a read of a waiter's socket returned
// its id.
//
// # Bounds
//
// A job says how many of everything, and Validate refuses what is out of range. Nothing runs longer than Job.Limit.
package generator
