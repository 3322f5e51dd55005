package nats

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// DefaultStream is the name of the stream if the URL has none.
const DefaultStream = "TILLBELL"

// Options of an Engine. URL is required.
type Options struct {
	// URL is nats://[user:password@|token@]host:port[,…][?name=value&…], or tls://… All servers of one cluster may
	// be listed; one that answers is enough. The options:
	//
	//	replicas   how many servers keep each entry, 1 (default) to 5; 3 tolerate the loss of one
	//	stream     the stream's name, TILLBELL by default; shops that share a NATS each have their own
	//	max_bytes  bound of the stream's size, for accounts that demand one; a full stream refuses appends
	//	creds      credentials file of a user (JWT and seed)
	//	nkey       file with a user's nkey seed
	//	tls_ca     file with the certificates that servers are verified by, instead of the system's
	//	tls_cert   file with the client's certificate, with tls_key
	//	tls_key    file with its key
	//
	// Files are read again at each reconnect, so that what they hold can be renewed; an nkey must stay the same user's.
	URL string

	// Retention is how long entries are kept, at least a second. 0 is 72 hours, over which providers retry. It must be
	// the stream's.
	Retention time.Duration

	// Log is told when the connection is lost and when it is back, and what the servers complain of. Nil is
	// slog.Default.
	Log *slog.Logger

	// Conn are further options of the connection, such as nats.InProcessServer, with which the URL's hosts are names
	// for log lines only. Its name, its handlers and how it reconnects are the engine's.
	Conn []nats.Option
}

// defaultRetention is that of every engine.
const defaultRetention = 72 * time.Hour

func (o Options) withDefaults() Options {
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}
