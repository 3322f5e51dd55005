//go:build linux

// Package target starts and ends the servers that are compared, one fresh for each measurement, and knows how to wait
// and to post callbacks at each: [Tillbell], [Nchan] and the two yardsticks on net/http.
//
// Every server listens on 127.0.0.1 alone. A process that was started here is ended by its pid, and dies with the
// thread that started it: callers lock their goroutine to the main thread.
package target

import (
	"crypto/rand"
	"encoding/base64"
	"os/exec"
	"time"

	"github.com/tillbell/tillbell/integration/harness"
	"github.com/tillbell/tillbell/integration/load/generator"
)

// A Target is a kind of server with one way to wait.
type Target struct {
	Name    string
	Program string // whose size counts as the server's
	Ask     []generator.Ask
	Post    generator.Post
	Signed  bool // callbacks are verified

	health  string // path
	command func(o Options, p place) (*exec.Cmd, error)
	forks   bool // one server spreads over processes by itself
}

// Options of one start. The zero value works.
type Options struct {
	Heartbeat   time.Duration        // 0 is the server's default; only Tillbell's can be set
	Certificate *harness.Certificate // serve TLS; only Tillbell
	Engine      Engine               // of Tillbell
}

// A place is where one process of a server runs.
type place struct {
	address   string
	dir       string   // for its files, which other processes may share
	instances int      // of the server
	index     int      // among them, from 0
	routes    []string // an address for each instance to talk to the others
}

// Keys are made for one run. Servers have them in files that only their user can read, or in their environment.
type Keys struct{ Ticket, Signing, API []byte }

// NewKeys returns random keys.
func NewKeys() Keys {
	key := func() []byte {
		b := make([]byte, 32)
		_, _ = rand.Read(b)
		return b
	}
	return Keys{Ticket: []byte(text(key())), Signing: key(), API: []byte(text(key()))}
}

func text(key []byte) string { return base64.StdEncoding.EncodeToString(key) }

// Fill sets in a job how to wait and to post callbacks at the target.
func (t *Target) Fill(j *generator.Job, k Keys) {
	if j.Waiters+j.Steady > 0 {
		j.Ask = t.Ask
	}
	j.Post, j.TicketKey = t.Post, k.Ticket
	if t.Signed {
		j.SigningKey = k.Signing
	}
}

// body is some 400 bytes, as a provider's callback is.
const body = `{"type":"payment.{status}","data":{"order_id":"{topic}","id":"{id}","amount":1200,"currency":"CNY",` +
	`"note":"{pad:250}"}}`
