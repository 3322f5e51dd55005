package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// site makes the requests of one wait. Nothing in it changes, so that any goroutine may ask.
type site struct {
	at     address
	http   *http.Client
	ticket string
}

// newSite returns the site of o's payment, whose streams have no end by time.
func newSite(o Options, at address) site {
	h := http.DefaultClient
	if o.HTTP != nil {
		h = o.HTTP
	}
	streaming := *h
	streaming.Timeout = 0
	streaming.CheckRedirect = stay(h.CheckRedirect)
	return site{at: at, http: &streaming, ticket: o.Ticket}
}

// errElsewhere is a redirect to another server, which must not see the ticket. net/http takes it out of such a request
// only where the name of the host is another one.
var errElsewhere = errors.New("the server redirects to another one")

// stay follows redirects within the server, and from http to https there.
func stay(more func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		from := via[len(via)-1].URL
		switch {
		case from.Scheme == r.URL.Scheme && from.Host == r.URL.Host:
		case from.Scheme == "http" && r.URL.Scheme == "https" && from.Hostname() == r.URL.Hostname():
		default:
			return errElsewhere
		}
		if more != nil {
			return more(r, via)
		}
		if len(via) >= 10 {
			return errors.New("the server redirects for ever")
		}
		return nil
	}
}

// request returns a GET with the ticket.
func (s site) request(ctx context.Context, url string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header = s.header()
	return r, nil
}

func (s site) header() http.Header {
	h := make(http.Header)
	h.Set("Cache-Control", "no-store")
	if s.ticket != "" {
		h.Set("Authorization", "Bearer "+s.ticket)
	}
	return h
}

// readTime bounds one reading of the state. It is shorter than brisk, so that readings never overlap.
const readTime = 4 * time.Second

// read reads the payment's state. Of the ticket's own payment, which the snapshot's path cannot name, it is a poll that
// does not wait, with the events behind the cursor.
func (s site) read(ctx context.Context, cursor string) (wire.Poll, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if s.at.payment == own {
		return s.poll(ctx, cursor, 0)
	}
	var p wire.Poll
	if err := s.getJSON(ctx, s.at.snapshot(), &p.State); err != nil {
		return p, fmt.Errorf("read the state: %w", err)
	}
	return p, recognise(p.State)
}

// poll asks once for what lies behind the cursor.
func (s site) poll(ctx context.Context, cursor string, hold time.Duration) (wire.Poll, error) {
	query := url.Values{"wait": {fmt.Sprintf("%ds", int(hold.Seconds()))}}
	if cursor != "" {
		query.Set("after", cursor)
	}
	var p wire.Poll
	if err := s.getJSON(ctx, s.at.route("poll", query), &p); err != nil {
		return p, err
	}
	return p, recognise(p.State)
}

// follow returns position, or cursor if a request cannot carry that: nothing but a position goes into one.
func follow(cursor, position string) string {
	if _, err := relay.ParsePosition(position); err != nil || position == "" {
		return cursor
	}
	for i := range len(position) {
		if position[i] <= ' ' || position[i] >= 0x7f {
			return cursor
		}
	}
	return position
}
