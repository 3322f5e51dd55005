package nats

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// link is the connection to the servers, which reconnects for ever.
type link struct {
	*nats.Conn
	place  place
	log    *slog.Logger
	closed chan struct{} // when the connection is closed for good

	denied atomic.Pointer[denial] // the last permission violation
	muted  atomic.Int64           // until when complaints are not logged, in Unix nanoseconds
	ending atomic.Bool            // shut was called
}

// denial is one permission that a server refused.
type denial struct {
	at  time.Time
	err error
}

const (
	dialTime      = 2 * time.Second
	reconnectWait = 250 * time.Millisecond
	pingEvery     = 2 * time.Second // a server that answers none of two is given up
)

// connect opens the connection. It fails after one round of all servers.
func connect(p place, log *slog.Logger, more []nats.Option) (*link, error) {
	l := &link{place: p, log: log, closed: make(chan struct{})}
	options, err := p.options()
	if err != nil {
		return nil, err
	}
	options = append(append(options, more...),
		nats.Name("tillbell"),
		nats.Timeout(dialTime),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1), // what cannot be sent fails; it is not kept for later
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(2),
		nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(l.onLost),
		nats.ReconnectHandler(l.onBack),
		nats.ReconnectErrHandler(l.onRefused),
		nats.ErrorHandler(l.onError),
		nats.ClosedHandler(l.onClosed),
		func(o *nats.Options) error { o.Servers = p.servers; return nil },
	)
	o := nats.GetDefaultOptions()
	for _, set := range options {
		if err := set(&o); err != nil {
			return nil, p.refused(err)
		}
	}
	if l.Conn, err = o.Connect(); err != nil {
		return nil, p.refused(err)
	}
	return l, nil
}

// options are those of the URL. Files that cannot be read are errors here, where they can be named.
func (p place) options() ([]nats.Option, error) {
	var options []nats.Option
	for _, f := range []struct{ name, path string }{
		{"creds", p.creds}, {"nkey", p.nkey}, {"tls_ca", p.tlsCA}, {"tls_cert", p.tlsCert}, {"tls_key", p.tlsKey},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.ReadFile(f.path); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if p.secure {
		options = append(options, nats.Secure())
	}
	if p.tlsCA != "" {
		options = append(options, nats.RootCAs(p.tlsCA))
	}
	if p.tlsCert != "" {
		options = append(options, nats.ClientCert(p.tlsCert, p.tlsKey))
	}
	if p.creds != "" {
		options = append(options, nats.UserCredentials(p.creds))
	}
	if p.nkey != "" {
		nkey, err := nats.NkeyOptionFromSeed(p.nkey)
		if err != nil {
			return nil, fmt.Errorf("nkey: %s does not hold a user's nkey seed", p.nkey)
		}
		options = append(options, nkey)
	}
	return options, nil
}

// host is the host and port that c is, or was last, connected to.
func host(c *nats.Conn) string {
	if u, err := url.Parse(c.ConnectedUrlRedacted()); err == nil && u.Host != "" {
		return u.Host
	}
	return "none"
}

func (l *link) onLost(_ *nats.Conn, err error) {
	if err == nil { // Close
		return
	}
	l.log.Error("nats: connection lost", "servers", l.place.hosts, "error", plainCause(err))
}

func (l *link) onBack(c *nats.Conn) {
	l.log.Info("nats: connected again", "server", host(c))
}

// onRefused is told of each attempt to reconnect that failed.
func (l *link) onRefused(_ *nats.Conn, err error) {
	if l.mayComplain() {
		l.log.Warn("nats: still not connected", "servers", l.place.hosts, "error", plainCause(l.place.refused(err)))
	}
}

// onClosed is told when the library gives the connection up, which only a server that talks nonsense can make it do.
func (l *link) onClosed(c *nats.Conn) {
	if !l.ending.Load() && c.LastError() != nil {
		l.log.Error("nats: connection closed for good, restart the process", "error", plainCause(c.LastError()))
	}
	close(l.closed)
}

// onError is told what a server or the client library complains of outside of any call.
func (l *link) onError(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		l.denied.Store(&denial{at: time.Now(), err: err})
	}
	if l.mayComplain() {
		l.log.Warn("nats: asynchronous error", "error", plainCause(err))
	}
}

// complainEvery bounds how often one kind of trouble that goes on is logged.
const complainEvery = 10 * time.Second

func (l *link) mayComplain() bool {
	now, until := time.Now().UnixNano(), l.muted.Load()
	return now >= until && l.muted.CompareAndSwap(until, now+int64(complainEvery))
}

// deniedSince returns the permission violation that a server told of since t, if it did.
func (l *link) deniedSince(t time.Time) error {
	if d := l.denied.Load(); d != nil && d.at.After(t) {
		return d.err
	}
	return nil
}

// shut closes the connection and waits until the library has ended.
func (l *link) shut() {
	l.ending.Store(true)
	l.Close()
	<-l.closed
}
